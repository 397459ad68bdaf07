import ipaddr from 'ipaddr.js'

/** Is it an address that anybody on the internet may reach? Whatever is not certain to be is not: loopback, private,
 *  link-local (cloud metadata too), carrier NAT, multicast, reserved, and every IPv6 form that carries an IPv4 address or
 *  lies outside the one range handed out for the internet. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(globalUnicast)
}

const globalUnicast = ipaddr.parseCIDR('2000::/3')
