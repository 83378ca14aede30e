// The studio's page.
export {};
