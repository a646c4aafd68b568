package ews

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var blanks = strings.NewReplacer("&#xD;", "", "&#xA;", "", "&#xd;", "", "&#xa;", "", "&#13;", "", "&#10;", "", " ", "", "\t", "", "\r", "", "\n", "")

// FuzzContent compares the decoding as it comes with decoding the whole text.
func FuzzContent(f *testing.F) {
	f.Add("SGVsbG8=")
	f.Add("SGVs\r\nbG8&#xD;\n=")
	f.Add("SGV<sbG8=")
	f.Add("  ")
	f.Add("SGVs&amp;bG8=")
	f.Add("SGVsbG8=SGVsbG8=")
	f.Fuzz(func(t *testing.T, text string) {
		text, _, _ = strings.Cut(text, "<") // the content ends there
		plain := blanks.Replace(text)
		want, wantErr := base64.StdEncoding.DecodeString(plain)
		for _, r := range []io.Reader{strings.NewReader(text + "</a>"), iotest.OneByteReader(strings.NewReader(text + "</a>"))} {
			s := newSource(r, 1<<20)
			var got bytes.Buffer
			n, err := copyContent(&got, &content{s: s, budget: 1 << 20}, 1<<20)
			if wantErr != nil {
				require.Error(t, err, "%q", text)
				continue
			}
			require.NoError(t, err, "%q", text)
			assert.Equal(t, string(want), got.String())
			assert.Equal(t, int64(len(want)), n)
			rest, _ := io.ReadAll(s.r)
			assert.Equal(t, "</a>", string(rest))
		}
	})
}

// FuzzAnswer: whatever the server says, it is an answer or an error, and costs no more than its size.
func FuzzAnswer(f *testing.F) {
	f.Add(`<Envelope><Body><SyncFolderItemsResponse><ResponseMessages><SyncFolderItemsResponseMessage ResponseClass="Success">` +
		`<ResponseCode>NoError</ResponseCode><SyncState>s</SyncState><Changes><Create><Message><ItemId Id="1"/></Message></Create></Changes>` +
		`</SyncFolderItemsResponseMessage></ResponseMessages></SyncFolderItemsResponse></Body></Envelope>`)
	f.Add(`<s:Envelope xmlns:s="x"><s:Body><s:Fault><detail><e:ResponseCode xmlns:e="e">ErrorServerBusy</e:ResponseCode></detail></s:Fault></s:Body></s:Envelope>`)
	f.Add(`<!DOCTYPE a><a/>`)
	f.Fuzz(func(t *testing.T, text string) {
		d := newSource(strings.NewReader(text), 1<<20).decoder()
		var r reply[syncPage]
		if err := d.Decode(&r); err == nil {
			assert.NotContains(t, text[:min(len(text), int(d.InputOffset()))], "<!DOCTYPE a>")
		}
	})
}
