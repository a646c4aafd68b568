package files

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"gocloud.dev/blob"

	"github.com/waybill-io/waybill/connectors"
)

// Authenticates implements connectors.Receiver: every request carries a signature.
func (c *connector) Authenticates() bool { return true }

// Receive answers a signed URL. No event comes of it.
func (c *connector) Receive(ctx context.Context, r connectors.Request) (connectors.Receipt, error) {
	if c.signer == nil {
		return connectors.Receipt{}, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeNotFound, Public: "this connector has no signed URLs"}
	}
	key, err := c.signer.KeyFromURL(ctx, &url.URL{RawQuery: r.Query.Encode()})
	method, mediaType := r.Query.Get("method"), r.Query.Get("contentType")
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet
	}
	switch {
	case err != nil, method != r.Method, mediaType != "" && r.Header.Get("Content-Type") != mediaType, r.Path != "" && r.Path != "/":
		return connectors.Receipt{}, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeUnauthorized, Public: "the URL is not valid, or not any more"}
	}
	if err := c.within(key); err != nil {
		return connectors.Receipt{}, err
	}
	switch method {
	case http.MethodGet:
		receipt, err := c.serve(ctx, key)
		if err != nil {
			return connectors.Receipt{}, classify(ctx, err)
		}
		return receipt, nil
	case http.MethodPut:
		options := &blob.WriterOptions{ContentType: r.Header.Get("Content-Type"), DisableContentTypeDetection: true}
		if _, err := c.write(ctx, key, bytes.NewReader(r.Body), options); err != nil {
			return connectors.Receipt{}, classify(ctx, err)
		}
		return connectors.Receipt{Status: http.StatusNoContent}, nil
	}
	return connectors.Receipt{}, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeUnauthorized, Public: "the URL is not valid, or not any more"}
}

// serve gives a file, which is read as the caller takes it. It comes from anywhere, and must not run as a page of the gateway's.
func (c *connector) serve(ctx context.Context, key string) (connectors.Receipt, error) {
	file, err := c.bucket.NewReader(context.WithoutCancel(ctx), key, nil)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if file.Size() > c.maxSize {
		_ = file.Close()
		return connectors.Receipt{}, c.tooLarge()
	}
	return connectors.Receipt{Content: file, Modified: file.ModTime(), Header: map[string]string{
		"Content-Type": file.ContentType(), "Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "sandbox", "Cache-Control": "no-store",
	}}, nil
}
