package files

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/waybill-io/waybill/connectors"
)

// callMark is the metadata of a stored file that names the call that stored it.
const callMark = "waybill-call"

const plainText = "text/plain; charset=utf-8"

func (c *connector) put(ctx context.Context, call connectors.Call) (map[string]any, error) {
	key, _ := call.Inputs["key"].(string)
	ifAbsent, _ := call.Inputs["ifAbsent"].(bool)
	source, mediaType, err := c.source(ctx, call.Inputs)
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()
	size, err := c.write(ctx, c.prefix+key, source, &blob.WriterOptions{
		ContentType: mediaType, DisableContentTypeDetection: true, IfNotExist: ifAbsent, Metadata: map[string]string{callMark: mark(call)},
	})
	if ifAbsent && gcerrors.Code(err) == gcerrors.FailedPrecondition {
		about, failed := c.bucket.Attributes(ctx, c.prefix+key)
		if failed != nil {
			return nil, failed
		}
		if about.Metadata[callMark] != mark(call) {
			return nil, &connectors.Error{Kind: connectors.BPMN, Code: codeExists, Public: "there is a file with this key"}
		}
		size, err = about.Size, nil // this call has stored it before
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"key": key, "size": size}, nil
}

// mark names a call in a store, without telling what other programs have no business with.
func mark(call connectors.Call) string {
	sum := sha256.Sum256([]byte(call.IdempotencyKey))
	return hex.EncodeToString(sum[:16])
}

// source is what PUT is to store.
func (c *connector) source(ctx context.Context, inputs map[string]any) (io.ReadCloser, string, error) {
	text, isText := inputs["text"].(string)
	mediaType, _ := inputs["mediaType"].(string)
	if mediaType != "" {
		if _, _, err := mime.ParseMediaType(mediaType); err != nil {
			return nil, "", invalid("mediaType: %.50q is not one such as text/csv", mediaType)
		}
	}
	given, err := connectors.ParseFiles(inputs["file"])
	switch {
	case err != nil:
		return nil, "", invalid("file: %v", err)
	case len(given) > 1:
		return nil, "", invalid("file: there are %d files; one is stored at a time", len(given))
	case len(given) == 1 && isText && text != "":
		return nil, "", invalid("there are both file and text; give one")
	case len(given) == 0 && !isText:
		return nil, "", invalid("file or text is required")
	case len(given) == 0:
		return io.NopCloser(strings.NewReader(text)), cmp.Or(mediaType, plainText), nil
	}
	file := given[0]
	if _, _, err := mime.ParseMediaType(file.MediaType); err != nil { // of received mail it may be anything
		file.MediaType = "application/octet-stream"
	}
	r, err := file.Open(ctx, c.files)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", invalid("file: %s is not in the blob store", file.Name)
	}
	return r, cmp.Or(mediaType, file.MediaType), err
}

// write stores what a source gives, whole or not at all.
func (c *connector) write(ctx context.Context, key string, source io.Reader, options *blob.WriterOptions) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := c.bucket.NewWriter(ctx, key, options)
	if err != nil {
		return 0, err
	}
	// As a writer alone: its own ReadFrom takes a buffer of 1 MiB, whatever the size of the file.
	size, err := io.Copy(struct{ io.Writer }{w}, io.LimitReader(source, c.maxSize+1))
	if err == nil && size > c.maxSize {
		err = c.tooLarge()
	}
	if err != nil {
		cancel() // before Close this gives the write up
		_ = w.Close()
		return 0, err
	}
	return size, w.Close()
}

func (c *connector) tooLarge() error {
	return &connectors.Error{Kind: connectors.BPMN, Code: codeTooLarge, Public: fmt.Sprintf("the file is larger than %d bytes; see FILES_MAX_BYTES", c.maxSize)}
}

func (c *connector) get(ctx context.Context, call connectors.Call) (map[string]any, error) {
	key, _ := call.Inputs["key"].(string)
	r, err := c.bucket.NewReader(ctx, c.prefix+key, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	if r.Size() > c.maxSize {
		return nil, c.tooLarge()
	}
	file := connectors.File{Name: path.Base(key), MediaType: cmp.Or(r.ContentType(), "application/octet-stream"), Size: r.Size()}
	outputs := map[string]any{"text": nil, "mediaType": file.MediaType, "size": file.Size, "modified": r.ModTime().UTC().Format(time.RFC3339)}
	var content io.Reader = io.LimitReader(r, r.Size())
	if file.Size <= maxInline {
		start, err := io.ReadAll(content)
		if err != nil {
			return nil, err
		}
		if isText(file.MediaType, start) {
			file.Text = string(start)
			outputs["text"], outputs["file"] = file.Text, file.Value()
			return outputs, nil
		}
		content = bytes.NewReader(start)
	}
	copies, ok := c.files.(connectors.FileWriter)
	if !ok {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotConfigured, Public: "the file is no short text, and there is no blob store to copy it into"}
	}
	file.URI = "connectors/" + c.definition.Name + "/" + mark(call) + "/" + file.Name // the same for a repetition
	err = copies.Write(ctx, file.URI, file.MediaType, func(w io.Writer) error {
		n, err := io.Copy(w, content)
		if err == nil && n != file.Size {
			err = fmt.Errorf("%d of %d bytes came", n, file.Size)
		}
		return err
	})
	outputs["file"] = file.Value()
	return outputs, err
}

// isText reports whether a file may travel as text: its type does not say otherwise, and it is UTF-8 without null characters.
func isText(mediaType string, content []byte) bool {
	kind, parameters, _ := mime.ParseMediaType(mediaType)
	charset := strings.ToLower(parameters["charset"])
	textual := strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/xml" || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") ||
		kind == "application/octet-stream" // not known
	return textual && (charset == "" || charset == "utf-8" || charset == "us-ascii") && utf8.Valid(content) && bytes.IndexByte(content, 0) < 0
}

func (c *connector) list(ctx context.Context, call connectors.Call) (map[string]any, error) {
	prefix, _ := call.Inputs["prefix"].(string)
	if err := checkPrefix(prefix); err != nil {
		return nil, invalid("prefix: it %v", err)
	}
	limit, err := integer(call.Inputs["limit"], defPage, maxPage)
	if err != nil {
		return nil, invalid("limit: %v", err)
	}
	page := blob.FirstPageToken
	if token, _ := call.Inputs["token"].(string); token != "" {
		if page, err = base64.RawURLEncoding.DecodeString(token); err != nil || len(page) == 0 {
			return nil, invalid("token: it is not one that LIST gave")
		}
	}
	objects, next, err := c.bucket.ListPage(ctx, page, limit, &blob.ListOptions{Prefix: c.prefix + prefix})
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, o := range objects {
		list = append(list, map[string]any{"key": strings.TrimPrefix(o.Key, c.prefix), "size": o.Size, "modified": o.ModTime.UTC().Format(time.RFC3339)})
	}
	outputs := map[string]any{"files": list, "token": nil}
	if len(next) > 0 {
		outputs["token"] = base64.RawURLEncoding.EncodeToString(next)
	}
	return outputs, nil
}

func (c *connector) remove(ctx context.Context, call connectors.Call) (map[string]any, error) {
	key, _ := call.Inputs["key"].(string)
	err := c.bucket.Delete(ctx, c.prefix+key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		err = nil // this call may have removed it before, which is why there is no output that tells
	}
	return map[string]any{}, err
}

func (c *connector) presign(ctx context.Context, call connectors.Call) (map[string]any, error) {
	key, _ := call.Inputs["key"].(string)
	method, _ := call.Inputs["method"].(string)
	mediaType, _ := call.Inputs["mediaType"].(string)
	method = cmp.Or(method, "GET")
	if method != "GET" && method != "PUT" {
		return nil, invalid("method: %.20q is neither GET nor PUT", method)
	}
	if method == "GET" && mediaType != "" {
		return nil, invalid("mediaType: it is for the method PUT")
	}
	seconds, err := integer(call.Inputs["seconds"], int(defExpiry.Seconds()), int(maxExpiry.Seconds()))
	if err != nil {
		return nil, invalid("seconds: %v", err)
	}
	expiry := time.Duration(seconds) * time.Second
	until := time.Now().Add(expiry).UTC().Format(time.RFC3339)
	url, err := c.bucket.SignedURL(ctx, c.prefix+key, &blob.SignedURLOptions{Expiry: expiry, Method: method, ContentType: mediaType})
	if gcerrors.Code(err) == gcerrors.Unimplemented {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotConfigured, Public: "URLs cannot be signed: set FILES_SECRET and FILES_PUBLIC_URL for the worker, then retry"}
	}
	return map[string]any{"url": url, "until": until}, err
}

// integer is a whole number from 1 to most.
func integer(value any, otherwise, most int) (int, error) {
	n := otherwise
	switch v := value.(type) {
	case int64:
		n = int(max(min(v, int64(most)+1), 0))
	case float64:
		n = int(max(min(v, float64(most)+1), 0))
	case int:
		n = v
	}
	if n < 1 || n > most {
		return 0, fmt.Errorf("a number from 1 to %d is expected", most)
	}
	return n, nil
}
