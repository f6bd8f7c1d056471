from adatune.pages import fill_page, printable, script_hash


def test_a_page_has_its_values_its_own_parts_behind_those_of_all_pages_and_the_hash_of_its_script():
    values = {"network": "a net", "command": "adatune generate", "look": "", "aspect": "1", "count": "1"}
    page = fill_page("adatune.latent", "browse", cards="", **values)
    assert page.startswith("<!doctype html>")
    assert "<h1>a net</h1>" in page
    assert page.index("color-scheme: light dark") < page.index("[role=option]")
    assert page.index("function say(") < page.index("function listLine(")
    script = page.partition("<script>")[2].partition("</script>")[0]
    assert f"script-src '{script_hash(script)}'" in page


def test_a_script_is_known_by_its_sha256_as_policies_write_it():
    # `printf "alert('é')" | openssl dgst -sha256 -binary | openssl base64`
    assert script_hash("") == "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert script_hash("alert('é')") == "sha256-FWb5PT1e9unSb7tPZxZqQu4Sh1Dyv6QkUHC7fQfv7cI="


def test_names_keep_their_letters_and_lose_what_cannot_be_shown():
    assert printable("写真 ü.jpg") == "写真 ü.jpg"
    assert printable("a\nb\x1b[31m\udc80") == "a\\nb\\x1b[31m\\udc80"
