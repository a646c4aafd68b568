// Package service is the email service: which server and sender the mails of a tenant go over, and whether mail is sent at all. The connector
// email, alerts, task mails and tests of the set-up send through it; mail/smtp transports.
package service
