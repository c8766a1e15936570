"""Clean HTML becomes the text that a reader sees of it."""

from __future__ import annotations

import pytest

from detector.insights.plain import to_plain


@pytest.mark.parametrize(
    ("clean", "text"),
    [
        ("", "\n"),
        ("<h1>Title</h1>\n<p>One\nline.</p><p>Another.</p>", "Title\n\nOne line.\n\nAnother.\n"),
        ("<p>first<br>second</p>", "first\nsecond\n"),
        ("<p>a &lt;b&gt; &amp; c</p>", "a <b> & c\n"),
        ('<p>See <a href="https://a.example/">there</a>.</p>', "See there <https://a.example/>.\n"),
        ('<a href="https://a.example/">https://a.example/</a>', "https://a.example/\n"),
        ('<a href="#part">part</a>', "part\n"),
        ('<a href="mailto:a@example.net">mail</a>', "mail <mailto:a@example.net>\n"),
        (
            '<ol start="9"><li>nine<ul><li>sub<br>more</li></ul></li><li>ten</li></ol><p>end</p>',
            "9. nine\n   - sub\n     more\n10. ten\n\nend\n",
        ),
        ("<ul><li><p>loose</p><p>item</p></li></ul>", "- loose\n  item\n"),
        ("<ul><li><ul><li>deep</li></ul></li></ul>", "- - deep\n"),
        (
            "<table><tr>\n<th>a</th>\n<th>b</th></tr><tr><td></td><td><p>1</p><p>2</p></td></tr>\n</table>end",
            "a | b\n | 1 2\n\nend\n",
        ),
        ("<pre><code>one\n\n  two\n</code></pre><p>end</p>", "one\n\n  two\n\nend\n"),
        ("<p>over</p><hr><p>under</p>", "over\n\n---\n\nunder\n"),
        ("<p>nothing: \u200b.</p>", "nothing: .\n"),
        ("</li></ul></table></a></pre><td>odd", "odd\n"),
    ],
)
def test_text_is_what_a_reader_sees(clean: str, text: str) -> None:
    assert text == to_plain(clean)
