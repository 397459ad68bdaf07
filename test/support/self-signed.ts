import { createHash, X509Certificate } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** For localhost, names under it, 127.0.0.1 and ::1; signed by itself and by nobody else. */
export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWs7GGGa0Bvlq33l6
6XvNp1Vx+bKiAOBLXwZdIdbWn46hRANCAASasXLx2eopwIxtr8++2a3disGVbCWD
9RY+JQB/xQPfo3sFRCWnlSTWy4ZYbjG7ksXEgx1S7CDwVxrU2bnIoHPD
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBhTCCASygAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjQwMTAxMDAwMDAwWhgPMjEyNDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJqxcvHZ6inAjG2v
z77Zrd2KwZVsJYP1Fj4lAH/FA9+jewVEJaeVJNbLhlhuMbuSxcSDHVLsIPBXGtTZ
ucigc8OjbTBrMB0GA1UdDgQWBBTfQnmO79zI5rcCrYk4P2wEk8KDhDAPBgNVHRMB
Af8EBTADAQH/MDkGA1UdEQQyMDCCCWxvY2FsaG9zdIILKi5sb2NhbGhvc3SHBH8A
AAGHEAAAAAAAAAAAAAAAAAAAAAEwCgYIKoZIzj0EAwIDRwAwRAIgSC4IqGh7wwEX
GG/JV1CM/3htgk7zTlCyKRHP9ump3fsCIF8tK/ysrEhHl0ZTnzYM6EWRj2ZUhorg
wmIdignHw0W7
-----END CERTIFICATE-----`,
}

/** What Chromium's `--ignore-certificate-errors-spki-list` wants: the hash of the public key. */
export const selfSignedSpkiHash = createHash('sha256')
  .update(new X509Certificate(selfSigned.cert).publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64')

/** Has every client in this process trust it, as NODE_EXTRA_CA_CERTS would from the start. */
export const trustSelfSigned = (): void =>
  setDefaultCACertificates([...getCACertificates('default'), selfSigned.cert])
