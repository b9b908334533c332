/** What nginx is given beside nginx/nginx.conf: site.conf, from the configuration. */

import type { StackConfig } from '../config/config.mts'
import type { Certificate } from './certificate.mts'

/** Seconds that a browser remembers never to ask this site over HTTP: a year. */
const HSTS = 365 * 24 * 3600

/**
 * What the configuration says about the site. The certificate's fingerprint makes another one another configuration.
 *
 * HSTS goes with a certificate that a CA issued, by what is installed and not by what was asked for: while an issuance
 * fails the site is on its self-signed one, and a browser that was told HSTS lets nobody past its warning.
 *
 * OCSP is stapled where the certificate names a responder. Let's Encrypt has ended OCSP (its certificates name none, and
 * nginx would log a warning at every reload); other CAs go on with it.
 */
export function siteConf(stack: StackConfig, certificate: Certificate): string {
  const { domain, limits, log, ports } = stack
  const port = ports.https === 443 ? '' : `:${ports.https}`
  const real = stack.tls !== 'self-signed' && !certificate.selfSigned
  return `# certificate ${certificate.fingerprint}
map $scheme $hsts {
  default "";
  https "${real ? `max-age=${HSTS}` : ''}";
}
ssl_stapling ${real && certificate.ocsp ? 'on' : 'off'};
map "" $site_name {
  default ${domain || '$host'};
}
map "" $site_port {
  default "${port}";
}
map $host $unknown_host {
  default ${domain ? 1 : 0};${domain ? `\n  ${domain} 0;` : ''}
}
map $request_uri $logged_uri {
  default $request_uri;${log.redact.length > 0 ? `\n  ${redacting(log.redact)}` : ''}
}
limit_req_zone $binary_remote_addr zone=requests:10m rate=${limits.requests}r/s;
limit_req zone=requests burst=${limits.requests} nodelay;
limit_conn_zone $binary_remote_addr zone=connections:10m;
limit_conn connections ${limits.connections};
client_max_body_size ${limits.body}m;
`
}

/**
 * A line of nginx's map that takes the query string away where it has one of these parameters, or one whose name is
 * percent-encoded and could be any.
 */
function redacting(names: readonly string[]): string {
  const name = [...names, '[^=&]*%[^=&]*'].join('|')
  return `"~*^(?<page>[^?]*)\\?(.*[&;?])?(${name})(=|&|;|$)" "$page?[redacted]";`
}
