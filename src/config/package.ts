import { join, resolve } from 'node:path';

/** Where Nightreel itself lies, wherever the project does. */
export const PACKAGE_ROOT = resolve(import.meta.dirname, '../..');
/** The templates that come with it. */
export const PACKAGE_TEMPLATES = join(PACKAGE_ROOT, 'templates');
