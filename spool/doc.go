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
//   - [SyncInterval]: at most what was written in the last SyncEvery.
//   - [SyncNever]: what the operating system had not written yet, usually half a
//     minute. Close does not sync either.
//
// Without a sync, the disk may write pages in any order. After a power cut under
// SyncInterval or SyncNever the file can thus be inconsistent; Open notices, and in
// the worst case it is set aside with all that was in it. A removal that a power cut
// undoes makes the next run send that batch again.
//
// # Files
//
// The directory holds spool.db, a bbolt database of 256 KiB at least, spool.lock,
// whose lock is what [ErrLocked] is about, and spool.adopt.lock; with
// Options.Processes also spool-2.db, and so on. Files are created with the
// permissions 0600 and directories with 0700. An existing directory that holds
// nothing but a spool is narrowed to 0700; one that holds other files keeps its
// permissions. Windows has no such permissions. The lock needs a file system with
// working locks; it is kept until Close.
//
// The file does not shrink while it is open. Open rewrites one of more than 8 MiB
// if less than a quarter of it is in use.
//
// # Damage
//
// Every record has a CRC-32C, and Open checks the frame of the file before it maps
// it into memory: its length, the list of free pages, and all pages above those with
// records, about a hundredth of the file. When damage is found, then or later, all
// intact batches move to a new file, and the damaged one is renamed to
// spool.db.damaged-TIME. The newest three of those are kept for inspection. They contain messages; delete them when done.
// Purge deletes them, because they cannot be searched for people with certainty.
// Batches are only taken from where the newest state of the file says they are,
// never from freed pages: that would bring deleted people back. If the largest ID
// that was ever used cannot be read, IDs go on from the clock, in microseconds.
//
// A file in a newer format, and a file that is not a spool, are left untouched, and
// Open returns an error.
//
// # When the disk is full
//
// Append returns an error and changes nothing; removing goes on, for which the file
// keeps pages in reserve (not on file systems that never overwrite, such as btrfs
// and ZFS); Append works again when there is space. After a failed
// fsync nobody knows what is on the disk, and a second fsync would not tell: every
// further call returns an error until the spool is opened anew, which checks it.
package spool
