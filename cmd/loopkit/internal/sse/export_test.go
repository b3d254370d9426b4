package sse

// NewShortReader is NewReader for events up to a size.
var NewShortReader = newReader
