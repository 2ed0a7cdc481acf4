"""The smallest PDF that a viewer opens: one page with one line of text."""

from __future__ import annotations

FONT = "<< /Font << /F1 5 0 R >> >>"


def one_page(text: str) -> bytes:
    """A valid one-page PDF; characters outside Latin-1 become question marks."""
    plain = text.encode("latin-1", "replace").decode("latin-1")
    for each in "\\()":
        plain = plain.replace(each, f"\\{each}")
    stream = f"BT /F1 14 Tf 72 720 Td ({plain}) Tj ET"
    return _assembled(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources {FONT} >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
    )


def _assembled(objects: list[str]) -> bytes:
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{each:010d} 00000 n \n" for each in offsets)
    size = len(objects) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}"
    tail += f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + tail.encode("latin-1")
