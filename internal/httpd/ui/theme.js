// Sets the remembered theme before the first paint; without one the system's holds.
try {
  var theme = localStorage.getItem('pitwall.theme')
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme
} catch (e) {
  // storage may be forbidden; the system's theme is fine
}
