"""Domains that take no email, asked of the DNS, a bounded number of them."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

#: Says whether a domain takes email; `None` if the DNS does not answer.
TakesMail = Callable[[str], bool | None]

#: How many domains are asked about, the most frequent ones first, and how many at the same time.
MOST, _AT_ONCE = 200, 8

#: Seconds that one answer is waited for.
_PATIENCE = 4.0


def dead_domains(domains: Mapping[str, int], takes_mail: TakesMail) -> Iterator[str]:
    """Yield a sentence for each domain that takes no email; silence of the DNS says nothing."""
    asked = sorted(domains, key=lambda one: (-domains[one], one))[:MOST]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(takes_mail, asked))
    for domain, takes in zip(asked, answers, strict=True):
        if takes is False:
            yield f"{domain} takes no email ({domains[domain]:,} of the list’s addresses)."
    if len(domains) > len(asked):
        yield f"{len(domains) - len(asked):,} rarer domains were not asked about."


def takes_mail(domain: str) -> bool | None:
    """Ask the DNS whether a domain takes email (RFC 5321 §5.1 and RFC 7505)."""
    import dns.exception  # Every program's start would wait for it.
    import dns.resolver

    try:
        answers = dns.resolver.resolve(domain, "MX", lifetime=_PATIENCE)
        return any(str(one.exchange) != "." for one in answers)
    except dns.resolver.NXDOMAIN:
        return False
    except dns.resolver.NoAnswer:
        return _has_address(domain)
    except (dns.exception.DNSException, OSError, ValueError):
        return None


def _has_address(domain: str) -> bool | None:
    import dns.exception
    import dns.resolver

    for kind in ("A", "AAAA"):
        try:
            if dns.resolver.resolve(domain, kind, lifetime=_PATIENCE):
                return True
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
        except (dns.exception.DNSException, OSError, ValueError):
            return None
    return False
