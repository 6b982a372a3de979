from __future__ import annotations

import pytest

from napari_ncut.errors import InputError, check_choice


def test_a_choice_comes_back():
    assert check_choice("fruit", "pear", ["apple", "pear"]) == "pear"


@pytest.mark.parametrize("given", ["peer", None, 3])
def test_a_wrong_choice_names_what_there_is(given):
    with pytest.raises(InputError, match="Choose one of: apple, pear") as caught:
        check_choice("fruit", given, ["apple", "pear"])
    assert ("Did you mean 'pear'?" in str(caught.value)) == (given == "peer")
