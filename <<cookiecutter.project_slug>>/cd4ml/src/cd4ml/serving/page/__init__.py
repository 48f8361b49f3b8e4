"""GET /: one page for people, with what the model is, and a form that asks it. It needs no file but itself.

In: the bundle, the reports beside it, if they are of this bundle. Out: one HTML document, made once, at the start.
Read first: `page`.

- `page`: put the parts together; the Content-Security-Policy, which allows exactly this script and this style.
- `form`: the contract's columns as a form. `model_summary`: what the model card says, in short.
- `html_text`: escape text, and the inline Markdown of the card.
- `page.html`, `page.css`, `page.js`: what the browser gets.
"""
