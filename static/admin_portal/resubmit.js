// Sends a form that was kept while its user signed in again. A field named "submit" would hide the form's own method.

HTMLFormElement.prototype.submit.call(document.querySelector("form[data-resubmit]"));
