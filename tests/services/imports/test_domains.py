"""Domains are asked about in a bounded number, and silence says nothing against one."""

from collections import Counter

from nurture.services.imports.domains import MOST, dead_domains


def test_only_a_domain_that_answers_no_is_named() -> None:
    answers = {"good.example": True, "dead.example": False, "silent.example": None}
    found = list(dead_domains(Counter(dict.fromkeys(answers, 2)), answers.__getitem__))
    assert found == ["dead.example takes no email (2 of the list’s addresses)."]


def test_the_rarer_domains_of_a_long_list_are_not_asked_about() -> None:
    asked: list[str] = []

    def takes_mail(domain: str) -> bool:
        asked.append(domain)
        return True

    domains = Counter({f"d{n}.example": n + 1 for n in range(MOST + 5)})
    assert list(dead_domains(domains, takes_mail)) == ["5 rarer domains were not asked about."]
    assert len(asked) == MOST and "d0.example" not in asked
