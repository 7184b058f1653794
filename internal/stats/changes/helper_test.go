package changes

import "os"

// calibrating says that the long runs were asked for.
func calibrating() bool { return os.Getenv("PITWALL_CALIBRATE") != "" }
