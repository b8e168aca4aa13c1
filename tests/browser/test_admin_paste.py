"""Content from elsewhere: pasted text, and pictures that are chosen, pasted, or dropped."""

import re
from pathlib import Path

import nh3
import pytest
from playwright.sync_api import Page, expect

from procedures.models import Figure
from procedures.rendering.parser import get_parser
from tests.admin.conftest import make_picture_file
from tests.browser.staff_helpers import StaffTab, type_text

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIXTURES = Path(__file__).parent / "clipboard"


# ── Text ──


def paste(tab: StaffTab, **data: str) -> None:
    """Simulate Ctrl+V with this clipboard content."""
    tab.page.locator("#id_body").focus()
    tab.page.evaluate(
        """(data) => {
          const transfer = new DataTransfer();
          Object.entries(data).forEach(([type, value]) => transfer.setData(`text/${type}`, value));
          const event = new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
          if (document.activeElement.dispatchEvent(event)) document.execCommand("insertText", false, data.plain);
        }""",
        data,
    )


def get_omissions(tab: StaffTab) -> str:
    """Return the list of omissions and changes above the text, one line for each kind."""
    lines = tab.page.locator("[data-pasted] li").evaluate_all(
        """(items) => items.map((item) => `${item.dataset.kind}: ${item.lastChild.data.trim()}`)"""
    )
    return "\n".join(lines)


def close_list(tab: StaffTab) -> None:
    button = tab.page.get_by_role("button", name="Close this list")
    if button.count():
        button.press("Enter")  # clicks that fast would be a double click


def pasted(tab: StaffTab, **data: str) -> tuple[str, str]:
    """Paste into an empty field, and return the resulting text and the list of omissions."""
    tab.page.locator("#id_body").fill("")
    paste(tab, **data)
    found = tab.text, get_omissions(tab)
    close_list(tab)
    return found


def test_clipboard_html_becomes_markdown_and_omissions_are_listed(tab: StaffTab) -> None:
    names = sorted(file.stem for file in FIXTURES.glob("*.html"))
    assert len(names) >= 10
    for name in names:
        wanted = (FIXTURES / f"{name}.md").read_text().rstrip("\n")
        notes = FIXTURES / f"{name}.notes"
        text, said = pasted(tab, html=(FIXTURES / f"{name}.html").read_text(), plain="plain")
        tab.page.keyboard.press("Control+z")

        assert text == wanted, name
        assert said == (notes.read_text().rstrip("\n") if notes.exists() else ""), name
        assert tab.text == "", name
        # Readers do not see any markup from the conversion.
        words = nh3.clean(get_parser().render(wanted), tags=set())
        assert not re.search(r"\\|\*\*|\]\(|---", words), (name, words)


# HTML fragment, resulting text, list above the text.
CASES = {
    "<p>Take <s><del>two pills</del></s><ins>one pill</ins>.</p>": (
        "Take one pill.",
        "deleted: “two pills”\ninserted: “one pill”",
    ),
    "<p><s>all of it</s></p>": ("", "deleted: “all of it”"),
    "<style>.k {text-decoration: line-through} @media print {p {display: none}}</style><p>a <i class=k>b</i> c</p>": (
        "a c",
        "deleted: “b”",
    ),
    "<span>10<sup>6</sup></span>": ("10⁶", ""),
    "<p>H<sub>2</sub>O, 5 × 10<sup>−3</sup>, Na<sup>+</sup>, the 22<sup>nd</sup>, A<sup>TM</sup></p>": (
        "H₂O, 5 × 10⁻³, Na⁺, the 22nd, A™",
        "",
    ),
    "<p>e<sup>2x</sup> C<sub>max</sub> 1.<sup>er</sup> día, 3<sup>a</sup> visita</p>": (
        "e^(2x) C_max 1.er día, 3ª visita",
        "script: “C_max”, “e^(2x)”",
    ),
    "<p>1<sup>1</sup>/<sub>2</sub> or 2 <sup>3</sup>⁄<sub>16</sub> cm<sup>2 </sup>wide</p>": (
        "1½ or 2 3/16 cm² wide",
        "",
    ),
    "<p>Spine<sup>1,3</sup></p>": ("Spine", "mark: “Spine1,3”"),
    "<table border=1><tr><td>a<td>b<td>c<tr><td rowspan=3>x<td colspan=2>y<tr><td>1<td rowspan=2>2<tr><td>3</table>": (
        "| a | b | c |\n|---|---|---|\n| x | y | y |\n| x | 1 | 2 |\n| x | 3 | 2 |",
        "merged: “x”, “y”, “2”",
    ),
    "<table><tr><th>a<th>b<tr><td><p>1</p><p>2:</p><p>3</p><td><table><tr><td>p<td>q</table></table>": (
        "| a | b |\n|---|---|\n| 1; 2: 3 | p, q |",
        "cell: “1 / 2: / 3”\nnested: “pq”",
    ),
    "<table><tr><th>a<th>b<th>c<tr><td style='text-decoration: line-through'>1<td>2<td>10<font class=Superscript>3</font></table>": (
        "| a | b | c |\n|---|---|---|\n|  | 2 | 10³ |",
        "deleted: “1”",
    ),
    "<ol start=9><li>a<li>b<p>c</p><ul><li>d</ul></ol><ol><li>e</ol><ol reversed><li>f<li>g</ol>": (
        "9. a\n10. b\n\n    c\n\n    - d\n\n1) e\n2) f\n\n1. g",
        "",
    ),
    "<ul><li>a<ol start=4><li>b</ol></ul>": ("- a\n\n  4. b", ""),
    "<p># a</p><p>- b</p><p>1945. c</p><p>2) d</p><p>---</p><p>&gt; e</p><p>::: f</p>": (
        "\\# a\n\n\\- b\n\n1945\\. c\n\n2\\) d\n\n\\---\n\n\\> e\n\n\\::: f",
        "",
    ),
    "<p>*g* _h_ i_j `k` [l] &amp;lt;</p>": ("\\*g\\* \\_h\\_ i_j \\`k\\` \\[l\\] \\&lt;", ""),
    "<p>a<br>1. b<br>- c</p>": ("a\\\n1\\. b\\\n\\- c", ""),
    "<p><b>Note:</b>do <b>(n)</b>ot</p>": ("**Note**:do **(n**)ot", ""),
    "<ul><li><p>• x</p></li></ul><p>• y<br>· z</p>": ("- x\n- y\n- z", ""),
    "<p><a href='javascript:alert(1)'>a</a> <a href='file:///c:/d.doc'>b</a> <a href='#x'>c</a></p>": (
        "a b c",
        "link: “a”, “b (file:///c:/d.doc)”, “c (#x)”",
    ),
    "<p><a href='http://a.org/b (c)'>a</a> <a href='HTTPS://a.org/b'>b</a> <a href='mailto:a@b.org'>c</a></p>": (
        "[a](http://a.org/b%20%28c%29) [b](https://a.org/b) [c](mailto:a@b.org)",
        "insecure: “a (http://a.org/b (c))”\nspace: “a (http://a.org/b (c))”",
    ),
    "<p><font face=Wingdings>à ¥</font> <span style='font-family:Symbol'>£</span> \uf0fc \ue123</p>": (
        "→ \\[symbol\\] ≤ ✓ \\[symbol\\]",
        "symbol: “→ [symbol] £ \uf0fc \ue123”, “→ [symbol] ≤ ✓ [symbol]”",
    ),
    "<p>v <math><msup><mi>x</mi><mn>2</mn></msup></math><!--[if gte msEquation 12]><m:oMath><m:f><m:num><m:r>a</m:r>"
    "</m:num><m:den><m:r>b+c</m:r></m:den></m:f></m:oMath><![endif]--><![if !msEquation]><img src=x><![endif]></p>": (
        "v x² a/(b+c)",
        "equation: “x²”, “a/(b+c)”",
    ),
    "<p><input type=checkbox checked> yes <input value=Ann> <img src=x alt='A knee'> <iframe src='m'></iframe></p>": (
        "☑ yes",
        "picture: “A knee”\nmedia: “m”\ncontrol: “Ann”\ncheckbox: “yes”",
    ),
    "<p>a\u202eb\u202c \u200bc\xadd e\u2011f</p>": ("ab cd e-f", "direction: “ab \u200bc\xadd e\u2011f”"),
    "<p>a\u200cb\u200dc\u180ed 👩\u200d⚕️</p>": ("abcd 👩\u200d⚕️", ""),
    "<p>10<m:sSup><m:e></m:e><m:sup><m:r><m:t>6</m:t></m:r></m:sup></m:sSup> and <m:oMath><m:sSup><m:sSupPr><m:ctrlPr/>"
    "</m:sSupPr><m:e><m:r>10</m:r></m:e><m:sup><m:r>-3</m:r></m:sup></m:sSup></m:oMath></p>": (
        "10⁶ and 10⁻³",
        "equation: “⁶”, “10⁻³”",
    ),
    "<p>Take <m:f><m:num><m:r>1</m:r></m:num><m:den><m:r>2</m:r></m:den></m:f> pill, 1<m:f><m:num>1</m:num>"
    "<m:den>4</m:den></m:f> h, <m:sSub><m:e>C</m:e><m:sub>2</m:sub></m:sSub> <m:d><m:e>a+b</m:e></m:d></p>": (
        "Take 1/2 pill, 1 1/4 h, C₂ (a+b)",
        "equation: “1/2”, “1/4”, “C₂”, “(a+b)”",
    ),
    "<table><tr><td><h2>Drug</h2></td><td><h2>Dose</h2></td></tr><tr><td>A</td><td><h3>Day</h3><p>1 pill</p></td></tr></table>": (
        "| Drug | Dose |\n|---|---|\n| A | Day; 1 pill |",
        "cell: “Day / 1 pill”",
    ),
    "<table><tr><td>A</td><td><table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table></td></tr>"
    "<tr><td>B</td><td>5</td></tr></table>": (
        "| A | 1, 2; 3, 4 |\n|---|---|\n| B | 5 |",
        "cell: “1, 2 / 3, 4”\nnested: “1234”",
    ),
    "<p>a<span style='opacity:0'>b</span><span style='font-size:0px'>c<b style='font-size:12pt'>d</b></span>"
    "<span style='color:#FFF;background:white'>e</span><i style='color:transparent'>f</i>"
    "<span style='position:absolute;left:-9999px'>g</span></p><div style='background-color:#fff'>"
    "<p>h<font color=white>i</font><span style='color:white;background:#333'>j</span></p></div>": (
        "a**d**\n\nhj",
        "hidden: “b”, “g”, “c”, “e”, “f”, “i”",
    ),
    "<p>Level 5.2<sup>a</sup>, 7 %<sup>b</sup>, the 3<sup>a</sup></p>": (
        "Level 5.2, 7 %, the 3",
        "mark: “3a”, “%b”, “5.2a”",
    ),
    "<p>Rest.<sup>1</sup> Walk<sup>2</sup> (slowly)<sup>12</sup>, 10<sup>6</sup>, 5 m<sup>2</sup>, cm<sup>3</sup>, kg/m<sup>2</sup>,"
    " x<sup>2</sup>, 4 in<sup>2</sup>, a <sup>18</sup>F scan, take <sup>1</sup>/<sub>2</sub></p>": (
        "Rest. Walk (slowly), 10⁶, 5 m², cm³, kg/m², x², 4 in², a ¹⁸F scan, take ½",
        "mark: “(slowly)12”, “Walk2”, “Rest.1”",
    ),
    "<p><b>a <span style='font-weight:normal'>b</span> c</b> <i>d <span style='font-style:normal'>e</span></i></p>": (
        "**a** b **c** *d* e",
        "",
    ),
    "<p>You must <span style='text-transform:uppercase'>do not <i style='text-transform:none'>eat</i></span></p>": (
        "You must DO NOT *eat*",
        "",
    ),
    "<p>Page <span style='mso-element:field-begin'></span>PAGE \\* MERGEFORMAT<span style='mso-element:field-separator'>"
    "</span>3<span style='mso-element:field-end'></span> of 5</p>": ("Page 3 of 5", ""),
    # A field that the selection cuts off may hold what staff wrote.
    "<p>Rest <span style='mso-element:field-begin'></span>two days.</p>": ("Rest two days.", ""),
    "<span style='font-weight:700'>Stop</span><span style='font-style:italic'> now</span>": ("**Stop** *now*", ""),
    "<p>before</p><ul><!--StartFragment--><li>in</li><!--EndFragment--><li>after</li></ul>": ("- in", ""),
}


def test_meaning_survives_a_paste_or_the_omissions_are_listed(tab: StaffTab) -> None:
    for html, wanted in CASES.items():
        assert pasted(tab, html=html, plain="?") == wanted, html


def test_plain_text_is_pasted_verbatim_and_its_markdown_meaning_is_reported(tab: StaffTab) -> None:
    cases = [
        ({"plain": "# not *touched*\n\n1. a\n2. b"}, ""),
        ({"plain": "int x = 1;", "html": "<div><span>int</span><span> x = 1;</span></div>"}, ""),
        ({"plain": "Now.\n3. Sit\n4. Lie\n∙ a"}, "bullet: “∙ a”"),
        ({"plain": "See.\n1945. A year\n• a\nb\tc"}, "tab: “b c”\nmarkup: “1945. A year”\nbullet: “• a”"),
    ]
    for data, said in cases:
        assert pasted(tab, **data) == (data["plain"], said)


def test_pasted_blocks_are_separated_from_the_surrounding_text(tab: StaffTab) -> None:
    tab.page.locator("#id_body").fill("Before. After.")
    tab.page.locator("#id_body").evaluate("(field) => field.setSelectionRange(7, 8)")
    paste(tab, html="<span> in <b>between</b> </span>", plain=" in between ")
    assert tab.text == "Before. in **between** After."
    paste(tab, html="<ul><li>a</li></ul>", plain="?")
    assert tab.text == "Before. in **between** \n\n- a\n\nAfter."
    tab.page.locator("#id_body").press("Control+End")
    paste(tab, html="<h2>b</h2><p>c</p>", plain="?")

    assert tab.text == "Before. in **between** \n\n- a\n\nAfter.\n\n## b\n\nc"


def test_omissions_of_two_pastes_stay_in_one_list_until_it_is_closed(tab: StaffTab) -> None:
    paste(tab, html="<p>a <del>b</del></p>", plain="?")
    paste(tab, html="<p>c <del>d</del></p>", plain="?")
    paste(tab, html="<p>e</p>", plain="?")

    assert get_omissions(tab) == "deleted: “b”, “d”"
    close_list(tab)
    expect(tab.page.locator("#id_body")).to_be_focused()
    assert get_omissions(tab) == ""


# ── Pictures ──


def check_and_save(tab: StaffTab, check_tab: Page, title: str, alt: str, caption: str) -> None:
    """Complete and save the check screen in its own tab, and return to the text."""
    expect(check_tab.locator("[data-result-image]")).to_be_visible()
    check_tab.wait_for_function("document.querySelector('[data-result-image]').complete")
    for name, value in {"title_en": title, "alt_en": alt, "caption_en": caption}.items():
        check_tab.locator(f"#id_{name}").fill(value)
    check_tab.get_by_label("Photo", exact=True).check()
    check_tab.locator("#id_provenance_0").check()
    check_tab.locator("#id_deidentified").check()
    check_tab.get_by_role("button", name="Save the picture").click()
    expect(check_tab.get_by_text("Close this tab and go back to your page.")).to_be_visible()
    check_tab.close()


def upload(tab: StaffTab, file: Path) -> None:
    tab.page.get_by_role("button", name="New picture…").click()
    window = tab.page.locator("dialog[open]")
    window.locator("[name=picture]").set_input_files(file)
    window.get_by_role("button", name="Upload and check").click()


@pytest.mark.writes
def test_new_picture_is_checked_in_its_own_tab_and_inserted_into_the_text(tab: StaffTab, tmp_path: Path) -> None:
    file = tmp_path / "balloon.jpg"
    file.write_bytes(make_picture_file().read())
    type_text(tab, "See this.")

    with tab.page.context.expect_page() as opened:
        upload(tab, file)
    expect(tab.page.get_by_role("link", name="Check the picture")).to_be_visible()
    assert not Figure.objects.filter(texts__title="Balloon").exists()
    check_and_save(tab, opened.value, "Balloon", "A balloon in a bone.", "The balloon makes space.")

    expect(tab.page.locator("#id_body")).to_have_value("See this.\n\n::: figure balloon\n", timeout=15_000)
    expect(tab.page.locator("dialog[open]")).to_have_count(0)
    assert Figure.objects.get(slug="balloon").texts.get().alt == "A balloon in a bone."


def test_rejected_picture_shows_the_reason_and_leaves_the_text_usable(tab: StaffTab, tmp_path: Path) -> None:
    file = tmp_path / "evil.jpg"
    file.write_bytes(b"<script>alert(1)</script>")
    type_text(tab, "My text.")

    upload(tab, file)
    window = tab.page.locator("dialog[open]")
    expect(window.locator("[data-error]")).to_contain_text("This is not a JPEG, PNG, or WebP picture.")
    window.get_by_role("button", name="Cancel").click()
    tab.page.locator("#id_body").press("Control+End")
    tab.page.keyboard.type(" It goes on.")

    assert tab.text == "My text. It goes on."
    assert tab.page.locator("#id_body").is_enabled()
    assert tab.page.locator("#id_body").is_editable()


def test_canceled_picture_is_reported_and_the_text_stays_usable(tab: StaffTab, tmp_path: Path) -> None:
    file = tmp_path / "knee.jpg"
    file.write_bytes(make_picture_file().read())
    type_text(tab, "My text.")

    with tab.page.context.expect_page() as opened:
        upload(tab, file)
    opened.value.get_by_role("button", name="Cancel").click()
    opened.value.wait_for_url("**/procedures/figure/")

    expect(tab.page.locator("[data-dialog=upload] [data-error]")).to_have_text(
        "The upload was canceled or not saved within an hour. Choose the picture again.", timeout=15_000
    )
    assert tab.text == "My text."


@pytest.mark.parametrize("event", ["paste", "drop"])
@pytest.mark.writes
def test_pasted_or_dropped_picture_is_checked_first(tab: StaffTab, event: str) -> None:
    data = list(make_picture_file().read())

    tab.page.evaluate(
        """([kind, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "x.jpg", {type: "image/jpeg"}));
          const init = {bubbles: true, cancelable: true};
          const event = kind === "paste" ? new ClipboardEvent("paste", {...init, clipboardData: transfer})
            : new DragEvent("drop", {...init, dataTransfer: transfer});
          document.querySelector("#id_body").dispatchEvent(event);
        }""",
        [event, data],
    )
    window = tab.page.locator("dialog[open]")
    with tab.page.context.expect_page() as opened:
        window.get_by_role("button", name="Upload and check").click()
    check_and_save(tab, opened.value, "Knee", "A knee.", "This is a knee.")
    expect(window).to_be_hidden(timeout=15_000)

    assert "::: figure knee\n" in tab.text
