"""Which connections may keep us waiting, and which must make room."""

from hypothesis import given
from hypothesis import strategies as st

from nurture.serving.web.waiting import Waiting, neighbour_of
from tests.presence import at_least_one

_COMING = st.tuples(st.integers(0, 40), st.sampled_from("abc"), st.booleans())
_COMINGS = st.lists(_COMING, min_size=1)


@given(comings=_COMINGS, most=st.integers(1, 12), most_of_one=st.integers(1, 5))
def test_nobody_exceeds_their_limit_and_the_longest_waiting_visitor_is_displaced(
    comings: list[tuple[int, str, bool]], most: int, most_of_one: int
) -> None:
    waiting: Waiting[int] = Waiting(most, most_of_one)
    model: dict[int, str] = {}
    for number, neighbour, stays in at_least_one(comings):
        model.pop(number, None)
        made_room = None
        if stays:
            made_room, model[number] = waiting.begin(number, neighbour), neighbour
        else:
            waiting.end(number)
        theirs = [n for n, who in model.items() if who == neighbour]
        longest = theirs if len(theirs) > most_of_one else list(model)
        too_many = len(theirs) > most_of_one or len(model) > most
        assert made_room == (longest[0] if too_many else None)
        if made_room is not None:
            del model[made_room]
        assert len(waiting) == len(model) <= most


def test_an_ipv6_network_is_one_neighbour_and_a_mapped_address_counts_as_ipv4() -> None:
    assert neighbour_of("2001:db8:1:2::1") == neighbour_of("2001:db8:1:2:ffff::9")
    assert neighbour_of("2001:db8:1:2::1") != neighbour_of("2001:db8:1:3::1")
    assert neighbour_of("::ffff:192.0.2.7") == neighbour_of("192.0.2.7") == "192.0.2.7"
    assert neighbour_of("fe80::1%eth0") == neighbour_of("fe80::2")
