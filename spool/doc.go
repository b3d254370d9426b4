// Package spool keeps LoopKit messages on disk until they are delivered, so that
// a program that ends, crashes or is killed loses none that it was told are kept.
//
//	kept, err := spool.Open(dir, nil)
//	if err != nil {
//		log.Print(err) // the client works in memory then
//	}
//	client, err := loopkit.New(key, &loopkit.Options{Spool: kept})
//
// [Open] returns a spool in any case, so no branch is needed. The client owns it
// from New on and closes it.
//
// # What each policy promises
//
// A call that returned without error survives kill -9 and a crash of the program
// under every policy, because the operating system has the bytes by then. The
// policies differ in what a power cut or a crash of the operating system costs:
//
//   - [SyncAlways]: nothing, if the disk keeps its word about fsync. All batches of
//     one Append share two syncs (the data, then the page that makes it valid).
//   - [SyncInterval]: as a rule what was written in the last SyncEvery, at worst the
//     whole file.
//   - [SyncNever]: as a rule what the operating system had not written yet, often the
//     last half minute; at worst the whole file. Close does not sync either.
//
// The worst case is there because pages are used again, and overwritten by a purge,
// between two syncs, and the disk may write them in any order: what it has after a
// power cut can be in part newer and in part older than any state the file was in.
// Open notices, keeps what is intact and sets the file aside; that can be nothing.
// Only SyncAlways rules it out. A removal that a power cut undoes makes the next run
// send that batch again.
//
// # Files
//
// The directory holds spool.db, a bbolt database of 256 KiB at least, and
// spool.lock, whose lock is what [ErrLocked] is about; with Options.Processes also
// spool-2.db, spool-2.lock, and so on. Files are created with the permissions 0600,
// and narrowed to them; a link or a pipe in the place of one is an error. Directories
// are created with 0700. An existing one that holds nothing but a spool is narrowed
// to that, and one that holds other files keeps its permissions; one that belongs to
// another user than this and root is refused. Windows has no such permissions. The
// lock needs a file system with working locks; it is kept until Close.
//
// A file of more than 8 MiB is made small when everything in it has been removed,
// and by Open if less than a quarter of it and at most 8 MiB is in use.
//
// # Damage
//
// Every record has a CRC-32C, and Open checks the frame of the file before it maps
// it into memory: its length, the list of free pages, all pages above those with
// records, and what kind of page each of these is. When damage is found, then or
// later, all intact batches move to a new file, which takes about 2 s for each
// 100 MB, and the damaged one is renamed to spool.db.damaged-TIME. The newest three
// of those are kept for inspection. They contain messages; delete them when done.
// Purge deletes them, because they cannot be searched for people with certainty.
//
// Batches are only taken from where the newest state of the file says they are,
// never from freed pages: that would bring deleted people back. The largest ID stays
// what it was while the spool is open; if Open cannot read it, it is the largest one
// that is left. A file that cannot be read, as opposed to one with a wrong content,
// is not given up: the call returns an error.
//
// A file in a newer format, and a file that is not a spool, are left untouched, and
// Open returns an error.
//
// # When the disk is full
//
// Append returns an error and changes nothing; removing goes on, for which the file
// keeps pages in reserve (not on file systems that never overwrite, such as btrfs
// and ZFS). Append works again when there is space, unless it was fsync that failed,
// which some file systems tell of a full disk by. After that nobody knows what is on
// the disk, and a second fsync would not tell: every further call returns an error
// until the spool is opened anew, which checks it.
package spool
