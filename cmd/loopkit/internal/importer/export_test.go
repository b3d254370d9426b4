package importer

// Window sets how many records are in a window.
func Window(opts *Options, n int) { opts.window = n }
