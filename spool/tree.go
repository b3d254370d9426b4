package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// This file reads bbolt's pages without bbolt, which trusts what it maps: a page
// that points to itself would make it recurse until the program dies, and one
// beyond the end of the file would be a fault. The layout is that of bbolt's
// internal/common, in the byte order of the machine.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHead    = 16 // id 8, flags 2, count 2, overflow 4
	metaBytes   = 64
	elementHead = 16 // leaf: flags, pos, ksize, vsize; branch: pos, ksize, page 8
	bucketHead  = 16 // root page 8, sequence 8

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketFlag   = 0x01

	maxOverflow = 2 * reservePages // no page of a spool is larger, but that of the free list
	maxHeight   = 32
)

var native = binary.NativeEndian

// header is what a meta page says.
type header struct {
	pageSize, root, freelist, high, txid uint64
}

// meta parses a meta page from its start.
func meta(page []byte) (h header, version uint32, err error) {
	if len(page) < pageHead+metaBytes {
		return h, 0, errors.New("a meta page is cut off")
	}
	m := page[pageHead : pageHead+metaBytes]
	if native.Uint32(m) != boltMagic {
		return h, 0, errors.New("a meta page has no magic number")
	}
	sum := fnv.New64a()
	if _, err := sum.Write(m[:56]); err != nil {
		return h, 0, err
	}
	if sum.Sum64() != native.Uint64(m[56:]) {
		return h, 0, errors.New("a meta page has a wrong checksum")
	}
	h = header{
		pageSize: uint64(native.Uint32(m[8:])),
		root:     native.Uint64(m[16:]), freelist: native.Uint64(m[32:]),
		high: native.Uint64(m[40:]), txid: native.Uint64(m[48:]),
	}
	if h.pageSize < 1<<10 || h.pageSize > 1<<20 || h.pageSize&(h.pageSize-1) != 0 {
		return h, 0, fmt.Errorf("a meta page gives pages of %d bytes", h.pageSize)
	}
	return h, native.Uint32(m[4:]), nil
}

// pages reads each page of a file at most once, so that no damage makes it loop.
type pages struct {
	header
	file   io.ReaderAt
	seen   []uint64 // a bit for each page
	failed error    // the first error of the system, as opposed to damage
	buf    [pageHead]byte
}

// newPages knows of no page beyond the end of the file, whatever the header says.
func newPages(file io.ReaderAt, h header, size int64) *pages {
	h.high = min(h.high, uint64(size)/h.pageSize)
	p := &pages{header: h, file: file, seen: make([]uint64, h.high/64+1)}
	p.seen[0] = 3 // the meta pages
	return p
}

// fill reads from the start of a page on.
func (p *pages) fill(buf []byte, id uint64) error {
	_, err := p.file.ReadAt(buf, int64(id*p.pageSize))
	if err == nil {
		return nil
	}
	if !errors.Is(err, io.EOF) && p.failed == nil {
		p.failed = fmt.Errorf("reading the file: %w", err)
	}
	return fmt.Errorf("page %d: %w", id, err)
}

// claim fails for a page that is none or has another use.
func (p *pages) claim(id uint64) error {
	if id >= p.high {
		return fmt.Errorf("page %d is beyond the last one", id)
	}
	bit := uint64(1) << (id % 64)
	if p.seen[id/64]&bit != 0 {
		return fmt.Errorf("page %d has two uses", id)
	}
	p.seen[id/64] |= bit
	return nil
}

// page is a page with its head and what overflows into the pages behind it.
type page []byte

func (p page) flags() uint16    { return native.Uint16(p[8:]) }
func (p page) count() int       { return int(native.Uint16(p[10:])) }
func (p page) overflow() uint64 { return uint64(native.Uint32(p[12:])) }

// head reads the head of a page only. It is valid until the next call.
func (p *pages) head(id uint64) (page, error) {
	if id >= p.high {
		return nil, fmt.Errorf("page %d is beyond the last one", id)
	}
	head := page(p.buf[:])
	if err := p.fill(head, id); err != nil {
		return nil, err
	}
	if native.Uint64(head) != id {
		return nil, fmt.Errorf("page %d calls itself %d", id, native.Uint64(head))
	}
	return head, nil
}

// claimWhole claims a page and its overflow, and returns its head.
func (p *pages) claimWhole(id, maxOverflow uint64) (page, error) {
	head, err := p.head(id)
	if err != nil {
		return nil, err
	}
	if head.overflow() > maxOverflow {
		return nil, fmt.Errorf("page %d is too long", id)
	}
	for i := id; i <= id+head.overflow(); i++ {
		if err := p.claim(i); err != nil {
			return nil, err
		}
	}
	return head, nil
}

// read claims a page and its overflow.
func (p *pages) read(id, maxOverflow uint64) (page, error) {
	head, err := p.claimWhole(id, maxOverflow)
	if err != nil {
		return nil, err
	}
	whole := make(page, (head.overflow()+1)*p.pageSize)
	if err := p.fill(whole, id); err != nil {
		return nil, err
	}
	return whole, nil
}

// slice returns n bytes at a position relative to that of an element.
func (p page) slice(element, pos, n int) ([]byte, error) {
	if pos < 0 || n < 0 || pos > len(p)-element || n > len(p)-element-pos {
		return nil, errors.New("an element leaves its page")
	}
	return p[element+pos : element+pos+n], nil
}

// leaf returns an element of a leaf page.
func (p page) leaf(i int) (flags uint32, key, value []byte, err error) {
	at := pageHead + i*elementHead
	e, err := p.slice(at, 0, elementHead)
	if err != nil {
		return 0, nil, nil, err
	}
	pos, ksize, vsize := int(native.Uint32(e[4:])), int(native.Uint32(e[8:])), int(native.Uint32(e[12:]))
	key, err = p.slice(at, pos, ksize)
	if err == nil {
		value, err = p.slice(at+pos+ksize, 0, vsize)
	}
	return native.Uint32(e), key, value, err
}

// branch returns an element of a branch page.
func (p page) branch(i int) (key []byte, child uint64, err error) {
	at := pageHead + i*elementHead
	e, err := p.slice(at, 0, elementHead)
	if err != nil {
		return nil, 0, err
	}
	key, err = p.slice(at, int(native.Uint32(e)), int(native.Uint32(e[4:])))
	return key, native.Uint64(e[8:]), err
}

// tree is the root of a bucket: a page, or in a small bucket its only page itself.
type tree struct {
	root   uint64
	inline page
}

func asTree(value []byte) (tree, error) {
	if len(value) < bucketHead {
		return tree{}, errors.New("a bucket has no head")
	}
	t := tree{root: native.Uint64(value)}
	if t.root != 0 {
		return t, nil
	}
	t.inline = page(value[bucketHead:])
	if len(t.inline) < pageHead || t.inline.flags() != leafPage {
		return tree{}, errors.New("a bucket has no page")
	}
	return t, nil
}

// walk calls yield for all elements of the leaves in their order, and lost for
// each part of the tree that cannot be read.
func (p *pages) walk(t tree, yield func(flags uint32, key, value []byte) error, lost func(error)) error {
	if t.inline != nil {
		return t.inline.leaves(yield, lost)
	}
	whole, err := p.read(t.root, maxOverflow)
	if err != nil {
		lost(err)
		return nil
	}
	switch whole.flags() {
	case leafPage:
		return whole.leaves(yield, lost)
	case branchPage:
		for i := range whole.count() {
			_, child, err := whole.branch(i)
			if err != nil {
				lost(err)
				return nil
			}
			if err := p.walk(tree{root: child}, yield, lost); err != nil {
				return err
			}
		}
		return nil
	}
	lost(fmt.Errorf("page %d is no part of a tree", t.root))
	return nil
}

func (p page) leaves(yield func(flags uint32, key, value []byte) error, lost func(error)) error {
	for i := range p.count() {
		flags, key, value, err := p.leaf(i)
		if err != nil {
			lost(err)
			continue
		}
		if err := yield(flags, key, value); err != nil {
			return err
		}
	}
	return nil
}

// height returns how many branch pages are above the leaves.
func (p *pages) height(root uint64) (int, error) {
	for height := range maxHeight {
		head, err := p.head(root)
		if err != nil {
			return 0, err
		}
		if head.flags() == leafPage {
			return height, nil
		}
		first := make(page, p.pageSize)
		if err := p.fill(first, root); err != nil {
			return 0, err
		}
		if first.flags() != branchPage || first.count() == 0 {
			return 0, fmt.Errorf("page %d is no part of a tree", root)
		}
		if _, root, err = first.branch(0); err != nil {
			return 0, err
		}
	}
	return 0, errors.New("a tree is too high")
}

// checkBranches checks all pages above the leaves, which all have the same
// height. Of the leaves, which are the bulk, it reads the heads alone: bbolt would
// follow a branch in the place of one, perhaps in a circle.
func (p *pages) checkBranches(id uint64, height int) error {
	if height == 0 {
		head, err := p.claimWhole(id, maxOverflow)
		if err == nil && head.flags() != leafPage {
			err = fmt.Errorf("page %d is no leaf", id)
		}
		return err
	}
	whole, err := p.read(id, maxOverflow)
	if err != nil {
		return err
	}
	if whole.flags() != branchPage || whole.count() == 0 {
		return fmt.Errorf("page %d is no branch", id)
	}
	var last []byte
	for i := range whole.count() {
		key, child, err := whole.branch(i)
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("page %d is out of order", id)
		}
		last = key
		if err := p.checkBranches(child, height-1); err != nil {
			return err
		}
	}
	return nil
}

// free returns the list of free pages, which must have no other use.
func (p *pages) free() ([]uint64, error) {
	list, err := p.read(p.freelist, p.high)
	if err != nil {
		return nil, err
	}
	if list.flags() != freelistPage {
		return nil, fmt.Errorf("page %d is no list of free pages", p.freelist)
	}
	rest, count := list[pageHead:], uint64(list.count())
	if count == 0xFFFF { // the count is the first element
		rest, count = list[pageHead+8:], native.Uint64(list[pageHead:])
	}
	if count > uint64(len(rest)/8) {
		return nil, errors.New("the list of free pages is cut off")
	}
	free := make([]uint64, count)
	for i := range free {
		free[i] = native.Uint64(rest[8*i:])
		if i > 0 && free[i] <= free[i-1] {
			return nil, errors.New("the list of free pages is out of order")
		}
		if err := p.claim(free[i]); err != nil {
			return nil, fmt.Errorf("a free page: %w", err)
		}
	}
	return free, nil
}
