/** Where Nightreel itself lies, and where it works: in a checkout that is one place, as an installed package it is not. */

import { findPackageJSON } from 'node:module';
import { dirname, extname, join } from 'node:path';

/** Where Nightreel itself lies, wherever the project does: source and compiled code lie at different depths below it. */
export const PACKAGE_ROOT = dirname(findPackageJSON(import.meta.url) ?? import.meta.dirname);
/** The templates that come with it. */
export const PACKAGE_TEMPLATES = join(PACKAGE_ROOT, 'templates');
/** Of this code's files: TypeScript in a checkout, compiled in a package. */
export const CODE_EXTENSION = extname(import.meta.filename);
export const IS_PACKAGED = CODE_EXTENSION === '.js';

/** Where state and new templates go unless a variable says otherwise: a package is replaced by the next install, so never there. */
export const workingFolder = (): string => (IS_PACKAGED ? process.cwd() : PACKAGE_ROOT);
