package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// checked is what is known about a file before bbolt may map it.
type checked struct {
	pages   *pages // nil if no state of the file can be read
	trees   map[string]tree
	counted *counters // nil if unreadable
	state   []byte
}

var errForeign = errors.New("the file is not a spool, so it stays as it is; choose another directory")

// check reads the frame of a file: the meta pages, the list of free pages, all pages
// above the leaves, and the heads of the leaves. It returns damage, or an error for
// a file that must stay as it is: one that is no spool, or that cannot be read now.
func check(file io.ReaderAt, size int64) (checked, error) {
	newest, err := readHeader(file, size)
	if err != nil {
		return checked{}, err
	}
	c := checked{pages: newPages(file, newest, size)}
	err = c.checkTrees()
	if c.pages.failed != nil {
		return c, c.pages.failed
	}
	if c.pages.high < newest.high && !errors.Is(err, errNewer) {
		return c, damagedBy("it was cut off at %d bytes", size)
	}
	return c, err
}

func (c *checked) checkTrees() error {
	var problem error
	note := func(err error) {
		if err != nil && problem == nil {
			problem = damagedBy("%w", err)
		}
	}
	note(c.readRoot())
	if len(c.trees) == 0 && problem == nil {
		return errForeign
	}
	if err := c.readMeta(note); err != nil || problem != nil {
		return cmp.Or(err, problem)
	}
	for _, name := range append([]string{reserveBucket}, kindBuckets[:]...) {
		t, ok := c.trees[name]
		if !ok {
			return damagedBy("the bucket %s is missing", name)
		}
		if t.inline != nil {
			continue
		}
		height, err := c.pages.height(t.root)
		if err == nil {
			err = c.pages.checkBranches(t.root, height)
		}
		note(err)
	}
	_, err := c.pages.free()
	note(err)
	return problem
}

// readCounters reads what is needed to know how much is in a file, which another
// process may be writing to.
func readCounters(file *os.File) (counters, error) {
	info, err := file.Stat()
	if err != nil {
		return counters{}, err
	}
	newest, err := readHeader(file, info.Size())
	if err != nil {
		return counters{}, err
	}
	c := checked{pages: newPages(file, newest, info.Size())}
	if err := c.readRoot(); err != nil {
		return counters{}, err
	}
	var problem error
	err = c.readMeta(func(err error) { problem = cmp.Or(problem, err) })
	if err := cmp.Or(err, problem); err != nil {
		return counters{}, err
	}
	return *c.counted, nil
}

// readHeader returns the newest state of the file that is valid.
func readHeader(file io.ReaderAt, size int64) (newest header, err error) {
	start := make([]byte, min(size, pageHead+metaBytes))
	n, err := file.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return newest, fmt.Errorf("reading the file: %w", err)
	}
	if start = start[:n]; n == 0 {
		return newest, damagedBy("it is empty")
	}
	found, newer, ours := 0, false, len(bytes.Trim(start, "\x00")) == 0
	take := func(page []byte, at uint64) {
		h, version, err := meta(page)
		ours = ours || len(page) >= pageHead+4 && native.Uint32(page[pageHead:]) == boltMagic
		switch {
		case err != nil || at != 0 && at != h.pageSize:
		case version != boltVersion:
			newer = true
		case found == 0 || h.txid > newest.txid:
			newest = h
			found++
		default:
			found++
		}
	}
	take(start, 0)
	for at := uint64(1 << 10); at <= 1<<20 && int64(at) < size; at <<= 1 {
		if found == 1 && newest.pageSize != at {
			continue
		}
		second := make([]byte, pageHead+metaBytes)
		n, err := file.ReadAt(second, int64(at))
		if err != nil && !errors.Is(err, io.EOF) {
			return newest, fmt.Errorf("reading the file: %w", err)
		}
		take(second[:n], at)
	}
	switch {
	case found > 0:
		return newest, nil
	case newer:
		return newest, errNewer
	case ours || len(start) < pageHead+4 && bytes.HasPrefix(firstPage(), start):
		return newest, damagedBy("no meta page is valid")
	}
	return newest, errForeign
}

// firstPage is how every file of bbolt begins.
func firstPage() []byte {
	b := native.AppendUint64(nil, 0)
	b = native.AppendUint16(b, 0x04)
	b = native.AppendUint16(b, 0)
	b = native.AppendUint32(b, 0)
	return native.AppendUint32(b, boltMagic)
}

var errNewer = errors.New("the file was written by a newer version of this library, so it stays as it is; update the program, or choose another directory")

// readRoot finds the buckets.
func (c *checked) readRoot() (problem error) {
	c.trees = map[string]tree{}
	ours := map[string]bool{metaBucket: true, reserveBucket: true}
	for _, name := range kindBuckets {
		ours[name] = true
	}
	lost := func(err error) { problem = err }
	err := c.pages.walk(tree{root: c.pages.root}, func(flags uint32, key, value []byte) error {
		if flags != bucketFlag { // the page has an older content: the root of no file of bbolt has a plain key
			lost(errors.New("the root has a key that is no bucket"))
			return nil
		}
		if !ours[string(key)] {
			return nil
		}
		t, err := asTree(bytes.Clone(value))
		if err != nil {
			lost(err)
			return nil
		}
		c.trees[string(key)] = t
		if t.inline == nil {
			return nil
		}
		// bbolt may copy such a page to the heap, where a wrong position in it would be a
		// wrong pointer, which ends the process.
		return t.inline.leaves(func(uint32, []byte, []byte) error { return nil }, lost)
	}, lost)
	return errors.Join(problem, err)
}

// readMeta reads the meta bucket. Its error is errNewer.
func (c *checked) readMeta(note func(error)) error {
	t, ok := c.trees[metaBucket]
	if !ok {
		note(errors.New("the bucket " + metaBucket + " is missing"))
		return nil
	}
	values := map[string][]byte{}
	note(c.pages.walk(t, func(_ uint32, key, value []byte) error {
		if k := string(key); k == formatKey || k == countersKey || k == stateKey {
			opened, err := unseal(k, value)
			note(err)
			if err == nil {
				values[k] = opened
			}
		}
		return nil
	}, note))
	c.state = values[stateKey]
	if counted, err := decodeCounters(values[countersKey]); err != nil {
		note(err)
	} else {
		c.counted = &counted
	}
	switch format := values[formatKey]; {
	case len(format) != 4:
		note(errors.New("the format is missing"))
	case binary.BigEndian.Uint32(format) > formatVersion:
		return errNewer
	}
	return nil
}
