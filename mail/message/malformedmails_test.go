package message

import (
	"fmt"
	"strings"
)

// malformed makes the mails of testdata/malformed: what real mail has been seen to do wrong, each alone, and what nobody
// does but to harm. go test -run Malformed -update writes them. Those too large to keep are in TestGiants.
func malformed() map[string]string {
	mails := map[string]string{}
	add := func(name, raw string) {
		if _, twice := mails[name]; twice {
			panic("two mails " + name)
		}
		mails[name] = raw
	}
	for _, family := range []func(func(name, raw string)){
		emptyMails, headerMails, lineEndMails, wordMails, addressMails, dateMails, typeMails, boundaryMails,
		encodingMails, charsetMails, nameMails, oldAttachmentMails, cryptoMails, nestedMails, reportMails, htmlMails,
	} {
		family(add)
	}
	return mails
}

const usual = "From: Ann Archer <ann@example.com>\r\nTo: support@example.org\r\nSubject: s\r\nDate: Mon, 15 Sep 2025 10:30:00 +0200\r\nMessage-ID: <1@example.com>\r\n"

// with is a usual mail with these fields more, and a body.
func with(fields, body string) string { return usual + fields + "\r\n" + body }

// without is a usual mail less one field, with these instead.
func without(key, fields string) string {
	var kept strings.Builder
	for line := range strings.Lines(usual) {
		if !strings.HasPrefix(line, key+":") {
			kept.WriteString(line)
		}
	}
	return kept.String() + fields + "\r\nbody\r\n"
}

// mixed is a usual multipart/mixed with boundary b and these parts, each with its header.
func mixed(parts ...string) string {
	return with("Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\n"+strings.Join(parts, "\r\n--b\r\n")+"\r\n--b--\r\n")
}

// attached is a part with this Content-Disposition.
func attached(disposition string) string {
	return "Content-Type: application/octet-stream\r\nContent-Disposition: " + disposition + "\r\n\r\ncontent"
}

const textPart = "Content-Type: text/plain\r\n\r\nhello"

func emptyMails(add func(name, raw string)) {
	add("empty-nothing", "")
	add("empty-one-line-end", "\r\n")
	add("empty-line-ends", "\r\n\r\n\r\n\n\n")
	add("empty-space", " ")
	add("empty-nul", "\x00")
	add("empty-nuls", strings.Repeat("\x00", 200))
	add("empty-bom", "\xef\xbb\xbf")
	add("empty-cr", "\r")
	add("empty-body", with("", ""))
	add("empty-header-only", usual)
	add("empty-header-cut-in-name", usual+"X-Cu")
	add("empty-header-cut-in-value", usual+"X-Cut: va")
	add("empty-header-cut-in-fold", usual+"X-Cut: va\r\n ")
	add("empty-body-only", "\r\nonly a body\r\n")
	add("empty-colon", ":")
	add("empty-boundary-line", "--b\r\n")
	add("empty-multipart", with("Content-Type: multipart/mixed; boundary=b\r\n", ""))
	add("empty-multipart-closed", with("Content-Type: multipart/mixed; boundary=b\r\n", "--b--\r\n"))
	add("empty-parts", with("Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\n--b\r\n--b\r\n--b--\r\n"))
}

func headerMails(add func(name, raw string)) {
	add("header-mbox-from", "From ann@example.com Mon Sep 15 10:30:00 2025\r\n"+with("", "body\r\n"))
	add("header-mbox-quoted-from", ">From ann@example.com Mon Sep 15 10:30:00 2025\r\n"+with("", ">From here on\r\nFrom there on\r\n"))
	add("header-bom", "\xef\xbb\xbf"+with("", "body\r\n"))
	add("header-blank-first", "\r\n"+with("", "body\r\n"))
	add("header-fold-first", " folded onto nothing\r\n"+with("", "body\r\n"))
	add("header-no-colon", with("this is no field\r\nX-After: kept\r\n", "body\r\n"))
	add("header-space-before-colon", without("Subject", "Subject : spaced\r\n"))
	add("header-no-space-after-colon", without("Subject", "Subject:tight\r\n"))
	add("header-empty-name", with(": no name\r\nX-After: kept\r\n", "body\r\n"))
	add("header-empty-value", without("Subject", "Subject:\r\n"))
	add("header-name-with-space", with("X My Field: value\r\n", "body\r\n"))
	add("header-name-8bit", with("X-\xe4\xf6: value\r\n", "body\r\n"))
	add("header-name-utf8", with("Betreff-ä: value\r\n", "body\r\n"))
	add("header-name-long", with(strings.Repeat("X-Long-", 200)+": value\r\n", "body\r\n"))
	add("header-value-long", with("X-Long: "+strings.Repeat("value ", 500)+"\r\n", "body\r\n"))
	add("header-folded-often", without("Subject", "Subject: "+strings.Repeat("\r\n word", 100)+"\r\n"))
	add("header-folded-empty-lines", without("Subject", "Subject: one\r\n \r\n two\r\n\t\r\n three\r\n"))
	add("header-tab-fold", without("Subject", "Subject: one\r\n\ttwo\r\n"))
	add("header-nul-in-value", without("Subject", "Subject: a\x00b\r\n"))
	add("header-nul-in-name", with("X-\x00Nul: value\r\n", "body\r\n"))
	add("header-control", without("Subject", "Subject: a\x01\x07\x1b[31mb\x7f\r\n"))
	add("header-cr-in-value", without("Subject", "Subject: a\rBcc: eve@example.net\r\n"))
	add("header-8bit-latin1", without("Subject", "Subject: Gr\xfc\xdfe\r\n"))
	add("header-8bit-utf8", without("Subject", "Subject: Grüße 你好\r\n"))
	add("header-8bit-mixed", without("Subject", "Subject: Gr\xc3\xbc\xc3\x9fe Gr\xfc\xdfe\r\n"))
	add("header-8bit-truncated-utf8", without("Subject", "Subject: Gr\xc3\r\n"))
	add("header-8bit-koi8", without("Subject", "Subject: \xf0\xd2\xc9\xd7\xc5\xd4\r\n"))
	add("header-duplicated-from", with("From: eve@example.net\r\n", "body\r\n"))
	add("header-duplicated-subject", with("Subject: second\r\nSUBJECT: third\r\n", "body\r\n"))
	add("header-duplicated-message-id", with("Message-Id: <2@example.com>\r\n", "body\r\n"))
	add("header-duplicated-content-type", with("Content-Type: text/html\r\nContent-Type: text/plain\r\n", "<b>body</b>\r\n"))
	add("header-duplicated-encoding", with("Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n", "aGVsbG8=\r\n"))
	add("header-duplicated-all", usual+usual+usual+"\r\nbody\r\n")
	add("header-message-id-bare", without("Message-ID", "Message-ID: 1@example.com\r\n"))
	add("header-message-id-spaces", without("Message-ID", "Message-ID: < 1 @ example.com >\r\n"))
	add("header-message-id-two", without("Message-ID", "Message-ID: <1@example.com> <2@example.com>\r\n"))
	add("header-message-id-open", without("Message-ID", "Message-ID: <1@example.com\r\n"))
	add("header-message-id-empty", without("Message-ID", "Message-ID: <>\r\n"))
	add("header-message-id-8bit", without("Message-ID", "Message-ID: <\xfc@example.com>\r\n"))
	add("header-message-id-injection", without("Message-ID", "Message-ID: =?utf-8?Q?<1@x>=0D=0ABcc:_eve@example.net?=\r\n"))
	add("header-in-reply-to-words", with("In-Reply-To: Your message of \"Mon, 15 Sep\" <0@example.com>\r\nReferences: <a@x><b@x>,<c@x> junk <d@x\r\n", "body\r\n"))
	add("header-references-many", with("References: "+strings.Repeat("<a@example.com>\r\n ", 200)+"\r\n", "body\r\n"))
	add("header-eai", without("From", "From: Jörg <jörg@münchen.example>\r\n"))
	add("header-eai-all", "From: 阿龍 <阿龍@例子.example>\r\nTo: χρήστης@παράδειγμα.example\r\nSubject: Привет\r\nMessage-ID: <ид@пример.example>\r\n\r\nтело\r\n")
	add("header-eai-invalid", without("From", "From: J\xf6rg <j\xf6rg@example.com>\r\n"))
	add("header-in-body", with("", "Subject: not this one\r\n\r\nbody\r\n"))
	add("header-only-unknown", "X-A: 1\r\nX-B: 2\r\n\r\nbody\r\n")
	add("header-bidi-subject", without("Subject", "Subject: \u202ereversed\u202c \u200fsubject\r\n"))
}

func lineEndMails(add func(name, raw string)) {
	whole := mixed(textPart, attached(`attachment; filename="a.txt"`))
	add("lines-lf", strings.ReplaceAll(whole, "\r\n", "\n"))
	add("lines-cr", strings.ReplaceAll(whole, "\r\n", "\r"))
	add("lines-crcrlf", strings.ReplaceAll(whole, "\r\n", "\r\r\n"))
	add("lines-lfcr", strings.ReplaceAll(whole, "\r\n", "\n\r"))
	i := 0
	add("lines-mixed", strings.Join(strings.FieldsFunc(whole, func(r rune) bool { return r == '\n' }), "\n"))
	alternating := strings.Builder{}
	for line := range strings.Lines(whole) {
		if i++; i%2 == 0 {
			line = strings.TrimSuffix(line, "\r\n") + "\n"
		}
		alternating.WriteString(line)
	}
	add("lines-alternating", alternating.String())
	add("lines-header-lf-body-crlf", strings.ReplaceAll(usual, "\r\n", "\n")+"\nbody\r\n")
	add("lines-header-crlf-body-lf", with("", "one\ntwo\n"))
	add("lines-body-cr", with("", "one\rtwo\r"))
	add("lines-no-last-end", strings.TrimRight(whole, "\r\n"))
	add("lines-space-line-ends-header", usual+" \r\nbody after a line of one space\r\n")
	add("lines-dot-stuffed", with("", "..two dots\r\n.\r\nafter\r\n"))
	add("lines-unicode-separators", with("Content-Type: text/plain; charset=utf-8\r\n", "a\u2028b\u2029c\u0085d\r\n"))
	add("lines-long", with("", strings.Repeat("0123456789", 2000)+"\r\n"))
	add("lines-form-feed", with("", "a\fb\vc\r\n"))
}

func wordMails(add func(name, raw string)) {
	for name, subject := range map[string]string{
		"unknown-charset":      "=?x-unknown?Q?gr=FCn?=",
		"empty-charset":        "=??Q?text?=",
		"empty-text":           "=?utf-8?Q??=",
		"unknown-encoding":     "=?utf-8?X?text?=",
		"no-end":               "=?utf-8?Q?text",
		"no-encoding":          "=?utf-8?text?=",
		"bad-hex":              "=?utf-8?Q?a=ZZb=4?=",
		"bad-base64":           "=?utf-8?B?!!!!?=",
		"base64-unpadded":      "=?utf-8?B?aGVsbG8?=",
		"base64-truncated":     "=?utf-8?B?aGVsb?=",
		"base64-spaces":        "=?utf-8?B?aGVs bG8=?=",
		"spaces":               "=?utf-8?Q?with spaces inside?=",
		"quoted":               `"=?utf-8?Q?in_quotes?="`,
		"glued":                "a=?utf-8?Q?b?=c",
		"glued-together":       "=?utf-8?Q?a?==?utf-8?Q?b?=",
		"split-rune":           "=?utf-8?B?w7w=?= =?utf-8?B?w?= =?utf-8?B?7w=?=",
		"wrong-charset":        "=?us-ascii?Q?gr=FCn?=",
		"invalid-utf8":         "=?utf-8?Q?gr=FCn?=",
		"utf7":                 "=?utf-7?Q?+APw-ber?=",
		"language":             "=?utf-8*de?Q?gr=C3=BCn?=",
		"nested":               "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?=",
		"line-end":             "=?utf-8?Q?a=0D=0ABcc:_eve@example.net?=",
		"nul":                  "=?utf-8?Q?a=00b?=",
		"escape":               "=?utf-8?Q?a=1B[31mb?=",
		"bidi":                 "=?utf-8?Q?=E2=80=AEabc?=",
		"iso-2022-jp-no-end":   "=?iso-2022-jp?B?GyRCJDM=?=",
		"gb2312-truncated":     "=?gb2312?B?xOM6?=",
		"utf16":                "=?utf-16?B?/v8AYQBi?=",
		"case":                 "=?UTF-8?q?ok?= =?Utf-8?b?b2s=?=",
		"long":                 "=?utf-8?Q?" + strings.Repeat("long_", 200) + "?=",
		"many":                 strings.Repeat("=?utf-8?Q?a?= ", 300),
		"folded-inside":        "=?utf-8?Q?one\r\n two?=",
		"raw-8bit-inside":      "=?utf-8?Q?gr\xc3\xbcn\xfc?=",
		"question-mark-inside": "=?utf-8?Q?really?yes?=",
	} {
		add("word-"+name, without("Subject", "Subject: "+subject+"\r\n"))
	}
}

func addressMails(add func(name, raw string)) {
	many := strings.Builder{}
	for i := range 300 {
		fmt.Fprintf(&many, "\"User, %d\" <user%d@example.org>,\r\n ", i, i)
	}
	for name, from := range map[string]string{
		"empty":             "",
		"brackets":          "<>",
		"name-only":         "Ann Archer",
		"no-domain":         "ann@",
		"no-local":          "@example.com",
		"two-ats":           "ann@host@example.com",
		"unquoted-comma":    "Archer, Ann <ann@example.com>",
		"unquoted-dot":      "A. Archer <ann@example.com>",
		"unquoted-at":       "ann@home <ann@example.com>",
		"open-quote":        `"Ann Archer <ann@example.com>`,
		"open-bracket":      "Ann <ann@example.com",
		"double-brackets":   "Ann <<ann@example.com>>",
		"comment":           "ann@example.com (Ann (the (nested)) Archer)",
		"open-comment":      "ann@example.com (Ann",
		"group":             "Staff: ann@example.com, bob@example.com;",
		"undisclosed":       "undisclosed-recipients:;",
		"semicolons":        "ann@example.com; bob@example.com",
		"route":             "<@a.example,@b.example:ann@example.com>",
		"quoted-local":      `"ann archer"@example.com`,
		"backslashes":       `"A\\\"nn" <ann@example.com>`,
		"encoded-address":   "=?utf-8?Q?ann=40example.com?=",
		"encoded-comma":     "=?utf-8?Q?Archer=2C_Ann?= <ann@example.com>",
		"encoded-line-end":  "=?utf-8?Q?Ann=0D=0ABcc:_eve@example.net?= <ann@example.com>",
		"encoded-two":       `"=?utf-8?Q?eve@example.net?=" <ann@example.com>`,
		"8bit":              "J\xf6rg <joerg@example.com>",
		"bidi":              "\u202emoc.elpmaxe@nna\u202c <eve@example.net>",
		"nul":               "An\x00n <an\x00n@example.com>",
		"mailto":            "<mailto:ann@example.com>",
		"literal":           "ann@[192.0.2.1]",
		"trailing-comma":    "ann@example.com,,,",
		"spaces-in-address": "ann @ example . com",
		"x500":              "/O=ORG/OU=SITE/CN=RECIPIENTS/CN=ANN",
		"parentheses-deep":  strings.Repeat("(", 500) + "ann@example.com",
		"quotes-odd":        strings.Repeat(`"`, 301) + "ann@example.com",
	} {
		add("address-"+name, without("From", "From: "+from+"\r\n"))
	}
	add("address-many", without("To", "To: "+many.String()+"last@example.org\r\n"))
	add("address-many-broken", without("To", "To: broken <, "+many.String()+"last@example.org\r\n"))
	add("address-no-fields", "Subject: s\r\n\r\nbody\r\n")
}

func dateMails(add func(name, raw string)) {
	for name, date := range map[string]string{
		"words":         "yesterday",
		"iso":           "2025-09-15T10:30:00Z",
		"two-digits":    "Mon, 15 Sep 25 10:30:00 +0200",
		"wrong-weekday": "Sun, 15 Sep 2025 10:30:00 +0200",
		"no-zone":       "Mon, 15 Sep 2025 10:30:00",
		"zone-name":     "Mon, 15 Sep 2025 10:30:00 CEST",
		"zone-wild":     "Mon, 15 Sep 2025 10:30:00 +9999",
		"day-32":        "Mon, 32 Sep 2025 10:30:00 +0200",
		"hour-25":       "Mon, 15 Sep 2025 25:61:61 +0200",
		"leap-second":   "Mon, 15 Sep 2025 10:30:60 +0200",
		"year-0":        "Mon, 15 Sep 0000 10:30:00 +0200",
		"year-99999":    "Mon, 15 Sep 99999 10:30:00 +0200",
		"german":        "Mo, 15 Sep 2025 10:30:00 +0200",
		"comment":       "Mon, 15 Sep 2025 10:30:00 +0200 (CEST) (again)",
		"empty":         "",
		"8bit":          "Mon, 15 S\xe9p 2025 10:30:00 +0200",
	} {
		add("date-"+name, without("Date", "Date: "+date+"\r\n"))
	}
}
