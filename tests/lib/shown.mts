/** The certificate that a client is shown. */
import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'

export function shown(port: number, servername = ''): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      if (certificate) resolve(new X509Certificate(certificate.raw))
      else reject(new Error('no certificate was shown'))
    })
  })
}
