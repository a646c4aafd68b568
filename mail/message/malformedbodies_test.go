package message

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Mails that are malformed in their parts, their content and what is attached.

func typeMails(add func(name, raw string)) {
	for name, fields := range map[string]string{
		"empty":               "Content-Type:\r\n",
		"text":                "Content-Type: text\r\n",
		"slash":               "Content-Type: /\r\n",
		"nonsense":            "Content-Type: this is not a type\r\n",
		"no-subtype":          "Content-Type: text/\r\n",
		"no-main":             "Content-Type: /plain\r\n",
		"two-slashes":         "Content-Type: text/plain/more\r\n",
		"semicolons":          "Content-Type: text/plain;;;;\r\n",
		"no-semicolon":        "Content-Type: text/plain charset=utf-8\r\n",
		"comma":               "Content-Type: text/plain, charset=utf-8\r\n",
		"quoted":              "Content-Type: \"text/plain\"\r\n",
		"comment":             "Content-Type: text/plain (a comment); charset=utf-8\r\n",
		"upper":               "CONTENT-TYPE: TEXT/HTML; CHARSET=UTF-8\r\n",
		"parameter-no-value":  "Content-Type: text/plain; charset\r\n",
		"parameter-no-name":   "Content-Type: text/plain; =utf-8\r\n",
		"parameter-twice":     "Content-Type: text/plain; charset=koi8-r; charset=utf-8\r\n",
		"parameter-spaces":    "Content-Type: text/plain ; charset = utf-8\r\n",
		"parameter-open":      "Content-Type: text/plain; charset=\"utf-8\r\n",
		"parameter-folded":    "Content-Type: text/plain;\r\n\tcharset=\"utf-\r\n\t8\"\r\n",
		"many-parameters":     "Content-Type: text/plain" + strings.Repeat("; a=b", 500) + "\r\n",
		"nul":                 "Content-Type: text/pl\x00ain\r\n",
		"8bit":                "Content-Type: text/pl\xe4in\r\n",
		"cr":                  "Content-Type: a/b\rBcc: eve@example.net\r\n",
		"encoded":             "Content-Type: =?utf-8?Q?text/plain?=\r\n",
		"multipart-alone":     "Content-Type: multipart\r\n",
		"multipart-unknown":   "Content-Type: multipart/strange; boundary=b\r\n",
		"message-partial":     "Content-Type: message/partial; id=\"x@example.com\"; number=1; total=3\r\n",
		"message-external":    "Content-Type: message/external-body; access-type=URL; URL=\"http://example.com/x\"\r\n",
		"message-http":        "Content-Type: message/http\r\n",
		"version-wrong":       "MIME-Version: 2.0\r\nContent-Type: text/html\r\n",
		"no-version":          "Content-Type: text/html\r\n",
		"disposition-only":    "Content-Disposition: attachment\r\n",
		"disposition-strange": "Content-Disposition: sideways; filename=a.txt\r\n",
	} {
		add("type-"+name, with(fields, "--b\r\n\r\n<b>body</b>\r\n--b--\r\n"))
	}
}

func boundaryMails(add func(name, raw string)) {
	body := "preamble\r\n--b\r\n" + textPart + "\r\n--b\r\n" + attached("attachment; filename=a.txt") + "\r\n--b--\r\nepilogue\r\n"
	for name, parameter := range map[string]string{
		"missing":        "",
		"empty":          "; boundary=",
		"empty-quoted":   `; boundary=""`,
		"wrong":          "; boundary=other",
		"case":           "; boundary=B",
		"long":           "; boundary=" + strings.Repeat("b", 1500),
		"spaces-at-end":  `; boundary="b  "`,
		"single-quotes":  "; boundary='b'",
		"rfc2231":        "; boundary*=us-ascii''b",
		"rfc2231-pieces": "; boundary*0=; boundary*1=b",
		"encoded-word":   `; boundary="=?us-ascii?Q?b?="`,
		"twice":          "; boundary=b; boundary=other",
		"nul":            "; boundary=\x00b",
	} {
		add("boundary-"+name, with("Content-Type: multipart/mixed"+parameter+"\r\n", body))
	}
	b := "Content-Type: multipart/mixed; boundary=b\r\n"
	add("boundary-not-closed", with(b, "--b\r\n"+textPart+"\r\n--b\r\n"+textPart+"\r\n"))
	add("boundary-cut", with(b, "--b\r\n"+textPart+"\r\n--"))
	add("boundary-never", with(b, "only text here\r\n"))
	add("boundary-part-without-empty-line", with(b, "--b\r\nhello without a header\r\n--b--\r\n"))
	add("boundary-part-header-only", with(b, "--b\r\nContent-Type: text/html\r\n--b--\r\n"))
	add("boundary-glued-to-text", with(b, "--b\r\n\r\nhello--b\r\nmore--b--\r\n--b--\r\n"))
	add("boundary-space-before", with(b, "--b\r\n\r\nhello\r\n --b\r\nstill the same\r\n--b--\r\n"))
	add("boundary-space-after", with(b, "--b   \r\n\r\nhello\r\n--b-- \t\r\n"))
	add("boundary-after-end", with(b, "--b\r\n\r\nhello\r\n--b--\r\n--b\r\n\r\nhidden\r\n--b--\r\n"))
	add("boundary-end-first", with(b, "--b--\r\n--b\r\n\r\nhidden\r\n"))
	add("boundary-three-dashes", with(b, "---b\r\n\r\nhello\r\n---b--\r\n"))
	add("boundary-one-dash-at-end", with(b, "--b\r\n\r\nhello\r\n--b-\r\n"))
	add("boundary-prefix", with(b, "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\n\r\ninner\r\n--bb--\r\n--b\r\nContent-Type: text/html\r\n\r\nouter\r\n--b--\r\n"))
	add("boundary-prefix-reversed", with("Content-Type: multipart/mixed; boundary=bb\r\n", "--bb\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\ninner\r\n--b--\r\n--bb\r\nContent-Type: text/html\r\n\r\nouter\r\n--bb--\r\n"))
	add("boundary-same-inside", with(b, "--b\r\n"+b+"\r\n--b\r\n\r\ninner\r\n--b--\r\n--b\r\n\r\nafter\r\n--b--\r\n"))
	add("boundary-ends-with-dashes", with("Content-Type: multipart/mixed; boundary=\"b--\"\r\n", "--b--\r\n\r\nhello\r\n--b----\r\n"))
	add("boundary-inner-not-closed", with(b, "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\ninner\r\n--b\r\nContent-Type: text/html\r\n\r\nouter\r\n--b--\r\n"))
	add("boundary-outer-in-inner-text", with(b, "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n--b\r\n\r\nnot inner\r\n--b--\r\n"))
	add("boundary-bad-part-header", mixed("no field at all\r\nContent-Type: text/html\r\n\r\n<b>x</b>", ": x\r\n\r\nsecond"))
	add("boundary-base64-multipart", with(b+"Content-Transfer-Encoding: base64\r\n", "--b\r\n\r\nhello\r\n--b--\r\n"))
	add("boundary-many-parts", with(b, strings.Repeat("--b\r\n\r\nx\r\n", 600)+"--b--\r\n"))
}

func encodingMails(add func(name, raw string)) {
	for name, tc := range map[string][2]string{
		"base64-truncated":      {"base64", "aGVsbG8gd29ybGQgYW5kIG1vcm"},
		"base64-no-padding":     {"base64", "aGVsbG8"},
		"base64-one-letter":     {"base64", "a"},
		"base64-junk":           {"base64", "aGVs!!bG8=\r\n-- \r\nfooter of a list\r\n"},
		"base64-padding-inside": {"base64", "aGVsbG8=aGVsbG8="},
		"base64-plain-text":     {"base64", "This is not base64 at all.\r\n"},
		"base64-empty":          {"base64", ""},
		"base64-url":            {"base64", "-_-_"},
		"base64-nul":            {"base64", "aGVs\x00bG8="},
		"base64-8bit":           {"base64", "aGVs\xe4bG8="},
		"base64-of-nul":         {"base64", "YQBi"},
		"qp-truncated":          {"quoted-printable", "hello =C3"},
		"qp-cut-in-escape":      {"quoted-printable", "hello =C"},
		"qp-equals-at-end":      {"quoted-printable", "hello ="},
		"qp-bad-hex":            {"quoted-printable", "a=ZZb=4\r\nc==d"},
		"qp-lower-case":         {"quoted-printable", "gr=c3=bcn\r\n"},
		"qp-8bit":               {"quoted-printable", "gr\xc3\xbcn=\r\n soft\r\n"},
		"qp-space-soft":         {"quoted-printable", "one= \t\r\ntwo  \r\n"},
		"qp-nul":                {"quoted-printable", "a=00b\r\n"},
		"qp-line-ends":          {"quoted-printable", "a=0D=0Ab=0Ac=0Dd\r\n"},
		"unknown":               {"x-rot13", "uryyb\r\n"},
		"uuencode":              {"x-uuencode", "begin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n"},
		"empty":                 {"", "hello\r\n"},
		"quotes":                {`"base64"`, "aGVsbG8=\r\n"},
		"comment":               {"base64 (really)", "aGVsbG8=\r\n"},
		"semicolon":             {"7bit; charset=utf-8", "hello\r\n"},
		"charset-in-encoding":   {"utf-8", "hello\r\n"},
		"7bit-that-is-8":        {"7bit", "gr\xfcn\r\n"},
		"binary-nul":            {"binary", "a\x00b\x00\r\n"},
		"yenc":                  {"7bit", "=ybegin line=128 size=5 name=a.bin\r\n\x8f\x96\x96\x96\x99\r\n=yend size=5\r\n"},
	} {
		add("encoding-"+name, with("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "+tc[0]+"\r\n", tc[1]))
	}
}

func charsetMails(add func(name, raw string)) {
	for name, tc := range map[string][2]string{
		"unknown":            {"x-klingon", "gr\xfcn"},
		"empty":              {"", "gr\xfcn"},
		"quoted-empty":       {`""`, "gr\xc3\xbcn"},
		"ascii-that-is-utf8": {"us-ascii", "gr\xc3\xbcn"},
		"utf8-that-is-1252":  {"utf-8", "gr\xfcn \x93quoted\x94"},
		"1252-that-is-utf8":  {"windows-1252", "gr\xc3\xbcn"},
		"utf8-overlong":      {"utf-8", "\xc0\xaf\xe0\x80\xaf"},
		"utf8-surrogates":    {"utf-8", "\xed\xa0\xbd\xed\xb8\x80"},
		"utf8-cut":           {"utf-8", "gr\xc3"},
		"utf8-bom":           {"utf-8", "\xef\xbb\xbfhello"},
		"utf16-odd":          {"utf-16", "\xff\xfea\x00b"},
		"utf16-lone":         {"utf-16le", "\x00\xd8a\x00"},
		"utf32":              {"utf-32", "\x00\x00\x00a"},
		"utf7":               {"utf-7", "+APw-ber"},
		"gb18030-cut":        {"gb18030", "\xc4\xe3\x81"},
		"big5-bad":           {"big5", "\xff\xff\xa4"},
		"shift-jis-cut":      {"shift_jis", "\x82"},
		"iso-2022-jp-no-end": {"iso-2022-jp", "\x1b$B$3$s"},
		"iso-2022-jp-bad":    {"iso-2022-jp", "\x1b(Zabc\x1b"},
		"euc-kr-bad":         {"euc-kr", "\xb0\xff"},
		"ebcdic":             {"cp037", "\xc8\x85\x93\x93\x96"},
		"injection":          {`"utf-8\r\nX: y"`, "hello"},
		"long":               {strings.Repeat("x", 300), "hello"},
		"cp65001":            {"cp65001", "gr\xc3\xbcn"},
		"utf8-with-case":     {"Utf8", "gr\xc3\xbcn"},
		"x-user-defined":     {"x-user-defined", "gr\xfcn"},
		"mixed-in-one":       {"utf-8", "gr\xc3\xbcn gr\xfcn"},
	} {
		add("charset-"+name, with("Content-Type: text/plain; charset="+tc[0]+"\r\nContent-Transfer-Encoding: 8bit\r\n", tc[1]+"\r\n"))
	}
	add("charset-parts-differ", mixed("Content-Type: text/plain; charset=koi8-r\r\n\r\n\xf0", "Content-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xbc", "Content-Type: text/plain; charset=nonsense\r\n\r\n\xfc"))
}

func nameMails(add func(name, raw string)) {
	for name, disposition := range map[string]string{
		"path-unix":            `attachment; filename="/etc/passwd"`,
		"path-up":              `attachment; filename="../../../etc/passwd"`,
		"path-windows":         `attachment; filename="C:\Windows\system32\cmd.exe"`,
		"path-unc":             `attachment; filename="\\server\share\x.doc"`,
		"path-only":            `attachment; filename="/"`,
		"path-dots":            `attachment; filename=".."`,
		"path-dot":             `attachment; filename="."`,
		"path-trailing":        `attachment; filename="dir/"`,
		"path-encoded":         `attachment; filename="=?utf-8?Q?=2E=2E=2Fx?="`,
		"path-rfc2231":         `attachment; filename*=utf-8''..%2F..%2Fx`,
		"path-backslash-dots":  `attachment; filename="..\..\x"`,
		"path-mixed":           `attachment; filename="a/..\..//b\x"`,
		"nul":                  "attachment; filename=\"a\x00.exe\x00.txt\"",
		"nul-rfc2231":          `attachment; filename*=utf-8''a%00.txt`,
		"line-end":             `attachment; filename*=utf-8''a%0D%0AX:%20y.txt`,
		"bidi":                 "attachment; filename=\"invoice\u202efdp.exe\"",
		"bidi-isolates":        "attachment; filename=\"\u2066a\u2069\u2067b\u2069.txt\"",
		"bidi-rfc2231":         `attachment; filename*=utf-8''invoice%E2%80%AEfdp.exe`,
		"rtl":                  "attachment; filename=\"חשבונית.pdf\"",
		"zero-width":           "attachment; filename=\"a\u200b.exe\"",
		"combining":            "attachment; filename=\"" + strings.Repeat("a\u0301", 100) + "\"",
		"emoji":                "attachment; filename=\"📎.pdf\"",
		"8bit":                 "attachment; filename=\"gr\xfcn.txt\"",
		"empty":                `attachment; filename=""`,
		"missing-quote":        `attachment; filename="open.txt`,
		"spaces":               `attachment; filename=two words.txt`,
		"semicolon":            `attachment; filename="a;b.txt"`,
		"quote-inside":         `attachment; filename="a\"b.txt"`,
		"long":                 `attachment; filename="` + strings.Repeat("long", 300) + `.txt"`,
		"device":               `attachment; filename="CON"`,
		"stream":               `attachment; filename="a.txt:hidden"`,
		"2231-gap":             `attachment; filename*0="one"; filename*2="three"`,
		"2231-order":           `attachment; filename*1="two.txt"; filename*0="one"`,
		"2231-twice":           `attachment; filename*0="a"; filename*0="b"`,
		"2231-not-a-number":    `attachment; filename*x="a"; filename**="b"; filename*-1="c"`,
		"2231-huge-number":     `attachment; filename*99999999999999999999="a.txt"`,
		"2231-bad-hex":         `attachment; filename*=utf-8''a%ZZ%4.txt`,
		"2231-no-quotes":       `attachment; filename*=a%20b.txt`,
		"2231-one-quote":       `attachment; filename*=utf-8'a.txt`,
		"2231-unknown-charset": `attachment; filename*=x-klingon''gr%FCn.txt`,
		"2231-and-plain":       `attachment; filename="plain.txt"; filename*=utf-8''gr%C3%BCn.txt`,
		"2231-mixed-pieces":    `attachment; filename*0*=utf-8''gr%C3; filename*1*=%BCn; filename*2=".txt"`,
		"2231-path-in-pieces":  `attachment; filename*0="../"; filename*1="../x"`,
		"2231-many":            "attachment" + pieces(200),
		"word-broken":          `attachment; filename="=?utf-8?B?broken"`,
		"word-split":           `attachment; filename="=?utf-8?Q?gr=C3?= =?utf-8?Q?=BCn?="`,
		"twice":                `attachment; filename=a.txt; filename=b.exe`,
		"no-semicolon":         `attachment filename=a.txt`,
		"disposition-missing":  `; filename=a.txt`,
	} {
		add("name-"+name, mixed(textPart, attached(disposition)))
	}
	add("name-in-type-only", mixed("Content-Type: application/pdf; name=\"..\\a.pdf\"\r\n\r\nx"))
	add("name-differs", mixed("Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=b.exe\r\n\r\nx"))
	add("name-content-id-strange", mixed("Content-Type: image/png\r\nContent-ID: <../\x00\u202ex>\r\n\r\nx"))
	add("name-same-twice", mixed(attached("attachment; filename=a.txt"), attached("attachment; filename=a.txt")))
}

func pieces(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "; filename*%d=x", i)
	}
	return out.String()
}

func oldAttachmentMails(add func(name, raw string)) {
	add("old-uuencode", with("", "see below\r\n\r\nbegin 644 ../a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n"))
	add("old-uuencode-cut", with("", "begin 644 a.txt\r\nM86%A86%A"))
	add("old-binhex", with("", "(This file must be converted with BinHex 4.0)\r\n\r\n:$f*TEQKPH#jKEe\r\n"))
	add("old-winmail", mixed(textPart, "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=winmail.dat\r\n\r\neJ8+IhEAAQCQCAAEAAAAAAABAAEAAQ=="))
	add("old-winmail-only", with("Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n", "eJ8+IhEAAQCQCAAEAAAAAAAB"))
	add("old-winmail-empty", mixed("Content-Type: application/ms-tnef; name=\"winmail.dat\"\r\n\r\n"))
	add("old-appledouble", with("Content-Type: multipart/appledouble; boundary=b\r\n", "--b\r\nContent-Type: application/applefile; name=\"%a.doc\"\r\n\r\nx\r\n--b\r\nContent-Type: application/msword; name=a.doc\r\n\r\ny\r\n--b--\r\n"))
	add("old-richtext", with("Content-Type: text/enriched\r\n", "<bold>hello</bold>\r\n"))
	add("old-x-sun", with("Content-Type: X-sun-attachment\r\n", "----------\r\nX-Sun-Data-Type: text\r\n\r\nhello\r\n"))
	add("old-partial-2-of-3", with("Content-Type: message/partial; id=\"a@x\"; number=2; total=3\r\n", "middle of something\r\n"))
	add("old-partial-no-id", with("Content-Type: message/partial\r\n", "Subject: inner\r\n\r\nx\r\n"))
}

func cryptoMails(add func(name, raw string)) {
	signature := "Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7s\r\n\r\nMIIBAg=="
	add("crypto-smime-signed", with("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b\r\n", "--b\r\n"+textPart+"\r\n--b\r\n"+signature+"\r\n--b--\r\n"))
	add("crypto-smime-signed-no-signature", with("Content-Type: multipart/signed; boundary=b\r\n", "--b\r\n"+textPart+"\r\n--b--\r\n"))
	add("crypto-smime-opaque", with("Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n", "MIIBAg==\r\n"))
	add("crypto-smime-enveloped-cut", with("Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n", "MII"))
	add("crypto-pgp-encrypted", with("Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n", "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ==\r\n-----END PGP MESSAGE-----\r\n--b--\r\n"))
	add("crypto-pgp-signed", with("Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n", "--b\r\n"+textPart+"\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n--b--\r\n"))
	add("crypto-pgp-inline", with("", "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nhello\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nx\r\n-----END PGP SIGNATURE-----\r\n"))
	add("crypto-pgp-dashes-as-boundary", with("Content-Type: multipart/mixed; boundary=\"---BEGIN PGP MESSAGE-----\"\r\n", "-----BEGIN PGP MESSAGE-----\r\n\r\nx\r\n-----END PGP MESSAGE-----\r\n"))
}

func nestedMails(add func(name, raw string)) {
	deep := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		out.WriteString("\r\ninnermost\r\n")
		for i := n - 1; i >= 0; i-- {
			fmt.Fprintf(&out, "--b%d--\r\n", i)
		}
		return out.String()
	}
	add("nested-25", usual+deep(25))
	add("nested-60", usual+deep(60))
	add("nested-60-cut", (usual + deep(60))[:2000])
	add("nested-messages", usual+strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 40)+"Subject: innermost\r\n\r\nx\r\n")
	add("nested-digest", with("Content-Type: multipart/digest; boundary=b\r\n", "--b\r\n\r\nSubject: one\r\n\r\n1\r\n--b\r\n\r\nSubject: two\r\n\r\n2\r\n--b--\r\n"))
	add("nested-alternative-html-first", with("Content-Type: multipart/alternative; boundary=b\r\n", "--b\r\nContent-Type: text/html\r\n\r\n<p>h\r\n--b\r\nContent-Type: text/plain\r\n\r\nt\r\n--b--\r\n"))
	add("nested-alternative-twice", with("Content-Type: multipart/alternative; boundary=b\r\n", "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"))
	add("nested-related-without-root", with("Content-Type: multipart/related; start=\"<none>\"; boundary=b\r\n", "--b\r\nContent-Type: image/png\r\nContent-ID: <a>\r\n\r\nx\r\n--b--\r\n"))
	add("nested-message-base64", mixed("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"+base64.StdEncoding.EncodeToString([]byte("Subject: inner\r\n\r\nx\r\n"))))
	add("nested-message-empty", mixed("Content-Type: message/rfc822\r\n\r\n"))
	add("nested-itself", mixed("Content-Type: message/rfc822\r\n\r\n"+mixed(textPart)))
}

func reportMails(add func(name, raw string)) {
	report := func(status string) string {
		return with("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n", "--b\r\n\r\nnote\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"+status+"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <0@example.org>\r\n\r\nx\r\n--b--\r\n")
	}
	add("report-empty-status", report(""))
	add("report-no-recipient", report("Reporting-MTA: dns; x\r\n"))
	add("report-no-empty-line", report("Reporting-MTA: dns; x\r\nFinal-Recipient: rfc822; a@x\r\nAction: failed\r\nFinal-Recipient: rfc822; b@x\r\nAction: delayed\r\n"))
	add("report-bad-status", report("Final-Recipient: rfc822; a@x\r\nAction: exploded\r\nStatus: many\r\n"))
	add("report-8bit", report("Final-Recipient: rfc822; \xfc@x\r\nDiagnostic-Code: smtp; 550 gibt\xb4s nicht\r\n"))
	add("report-nul", report("Final-Recipient: rfc822; a\x00b@x\r\nDiagnostic-Code: smtp; 5\x0050\r\n"))
	add("report-line-end-in-xtext", report("Original-Recipient: rfc822; a+0D+0ABcc:eve@x\r\n"))
	add("report-cut", report("Final-Recipient: rfc822; a@x\r\n")[:350])
	add("report-without-parts", with("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n", "text only\r\n"))
	add("report-as-mixed", strings.Replace(report("Final-Recipient: rfc822; a@x\r\nStatus: 5.1.1\r\n"), "multipart/report; report-type=delivery-status", "multipart/mixed", 1))
	add("report-original-without-id", strings.Replace(report("Final-Recipient: rfc822; a@x\r\n"), "Message-ID: <0@", "X-ID: <0@", 1))
	add("report-qmail-cut", "From: MAILER-DAEMON@x\r\n\r\nHi. This is the qmail-send program at x.\r\n\r\n<a@example.net>:\r\nSorry, no mail")
	add("report-failed-recipients-nonsense", with("X-Failed-Recipients: nobody, <>, a@x,a@x , \xfc@x\r\n", "x\r\n"))
}

func htmlMails(add func(name, raw string)) {
	for name, body := range map[string]string{
		"scripts":    "<script>alert(1)</script><p onclick=x()>t<img src=http://x/y.gif onerror=z()>",
		"open-tags":  strings.Repeat("<div><table><tr><td>", 100) + "t",
		"no-tags":    "1 < 2 & 3 > 2",
		"cut":        "<p>cut <a href=\"http://example.com/",
		"utf16-meta": "<meta charset=utf-16><p>t",
		"nul":        "<p>a\x00b</p><scr\x00ipt>x</scr\x00ipt>",
		"svg":        "<svg><style><img src=x onerror=y></style></svg>",
		"comments":   "<!-- <p>hidden --><p>seen<!--[if mso]>mso<![endif]-->",
	} {
		add("html-"+name, with("Content-Type: text/html; charset=utf-8\r\n", body+"\r\n"))
	}
}
