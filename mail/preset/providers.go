package preset

// presets are what the providers' own pages tell. Ports 993 and 465 are preferred to STARTTLS where both are served
// (RFC 8314, section 3).
var presets = []Preset{
	{
		Name: "fastmail", Title: "Fastmail",
		Domains: []string{"fastmail.com", "fastmail.fm"},
		MX:      []string{"messagingengine.com"},
		IMAP:    Server{"imap.fastmail.com", 993, "implicit", []string{"password"}},
		SMTP:    Server{"smtp.fastmail.com", 465, "implicit", []string{"password"}},
		Hints:   []string{"Make an app password (Settings, Privacy & Security); the password of the account is refused."},
	},
	{
		Name: "gmail", Title: "Gmail, Google Workspace",
		Domains: []string{"gmail.com", "googlemail.com"},
		MX:      []string{"google.com", "googlemail.com"},
		IMAP:    Server{"imap.gmail.com", 993, "implicit", []string{"xoauth2", "oauthbearer", "password"}},
		SMTP:    Server{"smtp.gmail.com", 465, "implicit", []string{"xoauth2", "oauthbearer", "password"}},
		Hints: []string{
			"Use OAuth with the scope https://mail.google.com/, or an app password (needs 2-step verification); the password of the account is refused.",
			"At most 15 IMAP connections at a time for an account.",
			"A folder is a label; some accounts let no program create one, so create the folder for handled mail by hand.",
		},
	},
	{
		Name: "icloud", Title: "iCloud Mail",
		Domains: []string{"icloud.com", "me.com", "mac.com"},
		MX:      []string{"icloud.com", "mail.icloud.com"},
		IMAP:    Server{"imap.mail.me.com", 993, "implicit", []string{"password"}},
		SMTP:    Server{"smtp.mail.me.com", 587, "starttls", []string{"password"}},
		Hints: []string{
			"Make an app-specific password (account.apple.com); the password of the account is refused.",
			"If the whole address is refused as the user name of IMAP, use the part before the @. SMTP wants the whole address.",
		},
	},
	{
		Name: "microsoft365", Title: "Microsoft 365, Exchange Online",
		MX:   []string{"mail.protection.outlook.com", "mx.microsoft"}, // its addresses are in domains of customers
		IMAP: Server{"outlook.office365.com", 993, "implicit", []string{"xoauth2"}},
		SMTP: Server{"smtp.office365.com", 587, "starttls", []string{"xoauth2"}},
		Hints: []string{
			"IMAP takes OAuth only, with the scope https://outlook.office.com/IMAP.AccessAsUser.All, or for an application without a user IMAP.AccessAsApp.",
			"Sending needs SMTP AUTH to be switched on for the mailbox, and the scope https://outlook.office.com/SMTP.Send.",
			"A session ends with its token, about hourly.",
		},
	},
	{
		Name: "outlook", Title: "Outlook.com, Hotmail",
		Domains: []string{"outlook.com", "hotmail.com", "live.com", "msn.com"},
		MX:      []string{"olc.protection.outlook.com"},
		IMAP:    Server{"outlook.office365.com", 993, "implicit", []string{"xoauth2"}},
		SMTP:    Server{"smtp-mail.outlook.com", 587, "starttls", []string{"xoauth2"}},
		Hints: []string{
			"Takes OAuth only, with the scopes https://outlook.office.com/IMAP.AccessAsUser.All and https://outlook.office.com/SMTP.Send.",
			"IMAP must be switched on in the settings of the mailbox.",
		},
	},
	{
		Name: "yahoo", Title: "Yahoo Mail",
		Domains: []string{"yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.es", "yahoo.it", "ymail.com", "rocketmail.com"},
		MX:      []string{"yahoodns.net"},
		IMAP:    Server{"imap.mail.yahoo.com", 993, "implicit", []string{"password"}},
		SMTP:    Server{"smtp.mail.yahoo.com", 465, "implicit", []string{"password"}},
		Hints:   []string{"Make an app password (Account security); the password of the account is refused."},
	},
}
