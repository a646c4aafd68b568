package mail

import (
	"encoding/base32"
	"strings"
)

// ownID marks the Message-IDs of mail that a process sent.
const ownID = "waybill."

// maxCall bounds what a Message-ID carries: lines of a mail have 998 bytes at most (RFC 5322, section 2.1.1).
const maxCall = 400

// idText is lower-case letters and digits, since some mail programs change the case of an id that they answer to.
var idText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// MessageID makes the Message-ID of a mail that a call sends: with angle brackets, the same for the same call (RFC 5322,
// section 3.6.4). An answer brings it back in In-Reply-To or References, and CallOf reads the call out of it. "" stands for a call
// that is too long to be carried.
func MessageID(call, domain string) string {
	if len(call) > maxCall {
		return ""
	}
	return "<" + ownID + idText.EncodeToString([]byte(call)) + "@" + domain + ">"
}

// CallOf returns the call that sent the mail with this Message-ID, "" when it is not one of ours.
func CallOf(messageID string) string {
	text, _, _ := strings.Cut(strings.Trim(messageID, "<> \t"), "@")
	encoded, ours := strings.CutPrefix(strings.ToLower(text), ownID)
	if !ours {
		return ""
	}
	call, err := idText.DecodeString(encoded)
	if err != nil || len(call) > maxCall {
		return ""
	}
	return string(call)
}
