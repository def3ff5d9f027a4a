/** Whether a host, as one listens on it or as a Host header names it, in brackets or not, is this machine alone. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

/** The same of a Host header with its port: a page whose name was made to point to this machine asks for that name. */
export const namesLoopback = (header = ''): boolean => isLoopback(header.replace(/:\d+$/, ''));
