/** Where the work is done, in words: the server is often the computer that shows the page. */
export const PLACE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(window.location.hostname)
  ? "this computer"
  : "this server";
