// Chromium comes from the system (scripts/setup.sh), never from a download.
module.exports = { skipDownload: true };
