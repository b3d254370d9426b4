package spool

// syncDir does nothing: Windows cannot sync a directory, and NTFS keeps a journal
// of names.
func syncDir(string) error { return nil }
