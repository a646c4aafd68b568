package ewsserver

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	//lint:ignore SA1019 NTLM (MS-NLMP) hashes passwords with MD4
	"golang.org/x/crypto/md4"
)

// The least of MS-NLMP: NTLMv2 with Unicode, no signing, no sealing, no channel binding.
const (
	ntlmSignature = "NTLMSSP\x00"
	ntlmDomain    = "WAYBILL"
	ntlmHost      = "EWSSERVER"

	flagUnicode          = 0x00000001
	flagRequestTarget    = 0x00000004
	flagNTLM             = 0x00000200
	flagAlwaysSign       = 0x00008000
	flagTargetIsDomain   = 0x00010000
	flagExtendedSecurity = 0x00080000
	flagTargetInfo       = 0x00800000
	flag128              = 0x20000000
	flag56               = 0x80000000
)

// ntlmType is 1 for NEGOTIATE, 3 for AUTHENTICATE, 0 for what is no message.
func ntlmType(token []byte) uint32 {
	if len(token) < 12 || string(token[:8]) != ntlmSignature {
		return 0
	}
	return binary.LittleEndian.Uint32(token[8:])
}

func newChallenge() []byte {
	challenge := make([]byte, 8)
	_, _ = rand.Read(challenge) // never fails
	return challenge
}

// challengeMessage is MS-NLMP 2.2.1.2.
func challengeMessage(challenge []byte) []byte {
	target := unicode(ntlmDomain)
	info := targetInfo()
	const fixed = 56 // with the version
	m := append([]byte(ntlmSignature), 2, 0, 0, 0)
	m = fields(m, len(target), fixed)
	m = binary.LittleEndian.AppendUint32(m, flagUnicode|flagRequestTarget|flagNTLM|flagAlwaysSign|flagTargetIsDomain|
		flagExtendedSecurity|flagTargetInfo|flag128|flag56)
	m = append(m, challenge...)
	m = append(m, make([]byte, 8)...)
	m = fields(m, len(info), fixed+len(target))
	m = append(m, 10, 0, 0x7c, 0x4f, 0, 0, 0, 15) // Windows Server 2022, NTLM revision 15
	return append(append(m, target...), info...)
}

// targetInfo is the list of attributes of MS-NLMP 2.2.2.1: the domain, the host, the end.
func targetInfo() []byte {
	var info []byte
	for _, av := range []struct {
		id    uint16
		value []byte
	}{{2, unicode(ntlmDomain)}, {1, unicode(ntlmHost)}, {0, nil}} {
		info = binary.LittleEndian.AppendUint16(info, av.id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(av.value)))
		info = append(info, av.value...)
	}
	return info
}

func fields(m []byte, length, offset int) []byte {
	m = binary.LittleEndian.AppendUint16(m, uint16(length))
	m = binary.LittleEndian.AppendUint16(m, uint16(length))
	return binary.LittleEndian.AppendUint32(m, uint32(offset))
}

// checkNTLM verifies an AUTHENTICATE message (MS-NLMP 2.2.1.3, 3.3.2) and returns the user's address.
func (s *Server) checkNTLM(token, challenge []byte) (string, bool) {
	field := func(at int) []byte {
		if len(token) < at+8 {
			return nil
		}
		length, offset := int(binary.LittleEndian.Uint16(token[at:])), int(binary.LittleEndian.Uint32(token[at+4:]))
		if offset < 0 || offset+length > len(token) {
			return nil
		}
		return token[offset : offset+length]
	}
	response, domain, name := field(20), text(field(28)), text(field(36))
	if ntlmType(token) != 3 || len(challenge) == 0 || len(response) < 16+28 { // shorter is NTLMv1
		return "", false
	}
	user, known := s.user(name)
	if !known {
		return "", false
	}
	hash := md4.New()
	_, _ = hash.Write(unicode(s.options.Users[user]))
	key := hmacMD5(hash.Sum(nil), unicode(strings.ToUpper(name)+domain))
	proof := hmacMD5(key, append(append([]byte{}, challenge...), response[16:]...))
	return user, hmac.Equal(proof, response[:16])
}

func hmacMD5(key, data []byte) []byte {
	mac := hmac.New(md5.New, key)
	_, _ = mac.Write(data)
	return mac.Sum(nil)
}

func unicode(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
