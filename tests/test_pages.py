from adatune.pages import page_part, printable, script_hash


def test_the_parts_of_a_page_lie_in_its_package():
    assert page_part("adatune.prep", "contact_sheet.html").startswith("<!doctype html>")
    assert page_part("adatune.latent", "browse.html").startswith("<!doctype html>")


def test_a_script_is_known_by_its_sha256_as_policies_write_it():
    # `printf "alert('é')" | openssl dgst -sha256 -binary | openssl base64`
    assert script_hash("") == "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert script_hash("alert('é')") == "sha256-FWb5PT1e9unSb7tPZxZqQu4Sh1Dyv6QkUHC7fQfv7cI="


def test_names_keep_their_letters_and_lose_what_cannot_be_shown():
    assert printable("写真 ü.jpg") == "写真 ü.jpg"
    assert printable("a\nb\x1b[31m\udc80") == "a\\nb\\x1b[31m\\udc80"
