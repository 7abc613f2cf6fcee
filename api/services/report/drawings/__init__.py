"""Charts drawn as SVG by the server: no script, no outside file, crisp in print."""
