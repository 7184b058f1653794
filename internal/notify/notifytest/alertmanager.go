package notifytest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// StartAlertmanager runs a real Alertmanager until the test ends and gives its
// address. It groups by service, tells hook of a new group after half a second
// and of a change after a second, and of what is over. Where none is installed
// the test is skipped, and says so.
func StartAlertmanager(t testing.TB, hook string) string {
	t.Helper()
	program, dir := alertmanager(t), t.TempDir()
	conf := filepath.Join(dir, "alertmanager.yml")
	text := fmt.Sprintf(`route: {receiver: hook, group_by: [service], group_wait: 500ms, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: %q, send_resolved: true}]}]
`, hook)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program[0], append(program[1:], "--config.file="+conf, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		_ = log.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("Alertmanager said:\n%s", said)
		}
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if address := ready(log.Name()); address != "" {
			return address
		}
	}
	t.Fatal("Alertmanager does not start")
	return ""
}

// listening finds the address in what Alertmanager says.
var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// ready is the address of an Alertmanager that takes alerts, "" until it does.
func ready(log string) string {
	said, err := os.ReadFile(log)
	m := listening.FindSubmatch(said)
	if err != nil || m == nil {
		return ""
	}
	address := "http://" + string(m[1])
	res, err := http.Get(address + "/-/ready")
	if err != nil {
		return ""
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
		return ""
	}
	return address
}

// alertmanager finds one: the words that run it. A distribution's that was
// unpacked and not installed looks for its templates where they would be
// installed, so it runs in a mount namespace of its own in which they are there.
func alertmanager(t testing.TB) []string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	const templates = "/usr/share/prometheus"
	usr := filepath.Join(home, ".cache/pitwall/tools/usr")
	for _, name := range []string{"alertmanager", "prometheus-alertmanager", filepath.Join(usr, "bin/prometheus-alertmanager")} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if _, err := os.Stat(templates + "/alertmanager/default.tmpl"); err == nil || !strings.HasPrefix(path, usr) {
			return []string{path}
		}
		script := fmt.Sprintf("mount --bind %s %s && exec %s \"$@\"", filepath.Join(usr, "share/prometheus"), templates, path)
		words := []string{"unshare", "-rm", "sh", "-c", script, "sh"}
		if out, err := exec.Command(words[0], append(words[1:], "--version")...).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED, NOT PASSED: the alertmanager in %s finds its templates neither installed nor beside it (%v: %s), so nothing was sent to a real one", usr, err, out)
		}
		return words
	}
	t.Skip("SKIPPED, NOT PASSED: no alertmanager in PATH or ~/.cache/pitwall/tools/usr/bin, so nothing was sent to a real one")
	return nil
}
