package files

import (
	"context"
	"net/url"
	"os"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/connectors"
)

// Bounds that are not for settings.
const (
	maxInline  = 64 << 10 // text that travels with the process
	maxPage    = 1000
	maxExpiry  = 7 * 24 * time.Hour // S3's, too
	minSecret  = 32
	defPage    = 100
	defExpiry  = 15 * time.Minute
	defMaxSize = 25 << 20
)

// store is an opened bucket.
type store struct {
	bucket  *blob.Bucket
	folder  *os.Root // of a bucket that is a folder, nil for others
	prefix  string   // of all keys: "", or a folder with a slash
	signer  fileblob.URLSigner
	maxSize int64
}

// open opens the bucket that the settings of an instance name; what is wrong is told by them.
func open(s *connectors.Settings) store {
	o := store{maxSize: int64(s.Int("FILES_MAX_BYTES", defMaxSize, 1, 1<<30)), signer: signer(s)}
	location := s.Text("FILES_URL")
	prefix := s.Text("FILES_PREFIX")
	if location == "" {
		return store{}
	}
	u, err := url.Parse(location)
	if err != nil {
		s.Errorf("FILES_URL", "is not a URL such as file:///srv/exchange") // without the text, which may hold a secret
		return store{}
	}
	switch u.Scheme {
	case "file":
		// A file is written aside and then renamed, which fails from the folder for temporary files when that is on another file system.
		query := u.Query()
		query.Set("no_tmp_dir", "1")
		u.RawQuery = query.Encode()
		o.bucket, err = (&fileblob.URLOpener{Options: fileblob.Options{URLSigner: o.signer}}).OpenBucketURL(context.Background(), u)
		if err == nil {
			o.folder, err = os.OpenRoot(u.Path)
		}
	case "mem":
		o.bucket = memblob.OpenBucket(nil)
	default:
		s.Errorf("FILES_URL", "%s: is not supported; it may begin with file: or mem:", u.Scheme)
		return store{}
	}
	if err != nil {
		s.Errorf("FILES_URL", "%w", err)
		return store{}
	}
	if prefix != "" {
		o.prefix = strings.TrimSuffix(prefix, "/") + "/"
		if err := checkKey(strings.TrimSuffix(prefix, "/")); err != nil {
			s.Errorf("FILES_PREFIX", "%w", err)
		}
	}
	return o
}

// signer signs URLs that this connector answers; nil without its settings.
func signer(s *connectors.Settings) fileblob.URLSigner {
	secret, public := s.Secret("FILES_SECRET").Reveal(), s.Text("FILES_PUBLIC_URL")
	if secret == "" && public == "" {
		return nil
	}
	u, err := url.Parse(public)
	switch {
	case len(secret) < minSecret:
		s.Errorf("FILES_SECRET", "has %d characters; %d or more are needed to sign", len(secret), minSecret)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.User != nil:
		s.Errorf("FILES_PUBLIC_URL", "%q is not the address of this connector at the gateway, such as https://gateway.example.com/connectors/files", public)
	default:
		return fileblob.NewURLSignerHMAC(u, []byte(secret))
	}
	return nil
}
