/** Where the work is done, in words: a server may well be the computer that shows its page. */
export const PLACE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(window.location.hostname)
  ? "this computer"
  : "this server";
