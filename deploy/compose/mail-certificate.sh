#!/bin/sh
# Makes the certificate of the mail server, once: the server reads mail.p12, the workers trust mail.pem.
set -eu
cd /certificates
if [ -f mail.pem ]; then
	exit 0
fi
keytool -genkeypair -alias mail -keyalg EC -groupname secp256r1 -validity 3650 -dname CN=mail -ext san=dns:mail,dns:localhost \
	-storetype PKCS12 -keystore mail.p12 -storepass "$KEYSTORE_PASSWORD"
chmod 644 mail.p12
keytool -exportcert -rfc -alias mail -keystore mail.p12 -storepass "$KEYSTORE_PASSWORD" -file mail.pem
