/** What a template may be called: the name of its folder, too. */
export const TEMPLATE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
