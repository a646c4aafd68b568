package mailserver

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
)

// Fetch writes without any lock held, so a slow client holds up no delivery.
func (s *imapSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	uids := uidsOf(s.view.pick(set))
	if marksSeen(options) && !s.view.readOnly {
		if err := s.view.box.update(uids, imap.StoreFlagsAdd, []imap.Flag{imap.FlagSeen}, nil); err != nil {
			return err
		}
	}
	return s.view.fetch(w, uids, options)
}

func marksSeen(options *imap.FetchOptions) bool {
	for _, item := range options.BodySection {
		if !item.Peek {
			return true
		}
	}
	return false
}

func (v *view) fetch(w *imapserver.FetchWriter, uids imap.UIDSet, options *imap.FetchOptions) error {
	for _, r := range v.pick(uids) {
		if r.seq == 0 {
			continue // The client has not been told of it, so it has no number yet.
		}
		raw, err := v.content(r.message, options)
		if errors.Is(err, fs.ErrNotExist) {
			continue // Expunged by another session in between.
		} else if err != nil {
			return err
		}
		if err := r.write(w.CreateMessage(r.seq), raw, options); err != nil {
			return err
		}
	}
	return nil
}

// content reads the message unless only its data are asked for.
func (v *view) content(m message, options *imap.FetchOptions) ([]byte, error) {
	if !options.Envelope && options.BodyStructure == nil && len(options.BodySection) == 0 {
		return nil, nil
	}
	return os.ReadFile(v.box.files.path(m))
}

func (r row) write(w *imapserver.FetchResponseWriter, raw []byte, options *imap.FetchOptions) error {
	w.WriteUID(r.uid)
	if options.Flags {
		w.WriteFlags(r.flags)
	}
	if options.InternalDate {
		w.WriteInternalDate(r.received)
	}
	if options.RFC822Size {
		w.WriteRFC822Size(r.size)
	}
	if options.Envelope {
		header, _ := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(raw)))
		w.WriteEnvelope(imapserver.ExtractEnvelope(header))
	}
	if options.BodyStructure != nil {
		w.WriteBodyStructure(withChildren(imapserver.ExtractBodyStructure(bytes.NewReader(raw))))
	}
	var errs []error
	for _, item := range options.BodySection {
		part := section(raw, item)
		literal := w.WriteBodySection(item, int64(len(part)))
		_, err := literal.Write(part)
		errs = append(errs, err, literal.Close())
	}
	return errors.Join(append(errs, w.Close())...)
}

// section cuts the whole message, its header and its text by their bytes. The
// library parses the header first and gives nothing when that is broken, which
// is just the mail that a client must be tested with.
func section(raw []byte, item *imap.FetchItemBodySection) []byte {
	if len(item.Part) > 0 || len(item.HeaderFields) > 0 || len(item.HeaderFieldsNot) > 0 {
		return imapserver.ExtractBodySection(bytes.NewReader(raw), item)
	}
	header, text := split(raw)
	part := raw
	switch item.Specifier {
	case imap.PartSpecifierHeader:
		part = header
	case imap.PartSpecifierText:
		part = text
	}
	if item.Partial == nil {
		return part
	}
	from := min(item.Partial.Offset, int64(len(part)))
	return part[from : from+min(item.Partial.Size, int64(len(part))-from)]
}

// split divides a message after the empty line that ends the header.
func split(raw []byte) (header, text []byte) {
	const emptyLine = "\r\n\r\n"
	end := bytes.Index(raw, []byte(emptyLine))
	if end < 0 {
		return raw, nil
	}
	return raw[:end+len(emptyLine)], raw[end+len(emptyLine):]
}

// withChildren gives an empty text to a multipart without parts: the library
// panics on it, and IMAP has no way to say it.
func withChildren(structure imap.BodyStructure) imap.BodyStructure {
	switch structure := structure.(type) {
	case *imap.BodyStructureMultiPart:
		if len(structure.Children) == 0 {
			structure.Children = []imap.BodyStructure{&imap.BodyStructureSinglePart{
				Type: "text", Subtype: "plain", Text: &imap.BodyStructureText{}, Extended: &imap.BodyStructureSinglePartExt{},
			}}
		}
		for _, child := range structure.Children {
			withChildren(child)
		}
	case *imap.BodyStructureSinglePart:
		if structure.MessageRFC822 != nil {
			withChildren(structure.MessageRFC822.BodyStructure)
		}
	}
	return structure
}
