"""Where the rows come from: files, addresses on the web, buckets, databases. `read.read_source` reads any of them."""
