// Lets LoopKit's browser SDK and the server share one anonymous ID: its
// localStorage and the server's cookie. It runs before the SDK.
(function (attributes) {
  "use strict";
  var key = "loopkit_anonymousId";
  var agreedKey = "loopkit_bridge"; // the ID that both had last

  // As the server judges what a browser sends.
  function usable(id) {
    return /^[A-Za-z0-9_.|:-]{1,128}$/.test(id) &&
      !/^(undefined|null|nil|NaN)$/.test(id) &&
      !/^anon_[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(id);
  }

  try {
    var found = new RegExp("(?:^|;\\s*)" + key + "=([^;]*)").exec(document.cookie);
    if (!found || !usable(found[1])) {
      return; // without consent there is none
    }
    var id = found[1];
    var stored = localStorage.getItem(key);
    var agreed = localStorage.getItem(agreedKey);
    // If both changed, or the server alone, as at a logout, the server is right.
    var browserChanged = stored !== id && stored !== agreed && (!agreed || agreed === id);
    if (browserChanged && usable(stored || "")) {
      id = stored;
      document.cookie = key + "=" + id + attributes + (location.protocol === "https:" ? "; Secure" : "");
    }
    localStorage.setItem(key, id);
    localStorage.setItem(agreedKey, id);
  } catch (e) {
    // Storage is forbidden: each side keeps an ID of its own.
  }
})
