"""The example corpus: invented messages, sources and events, and the script that builds them."""
