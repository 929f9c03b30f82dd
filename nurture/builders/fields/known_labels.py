"""What the fields of forms are called, in the languages that visitors of an English site meet.

Each is written as `plain_label` returns it: without capitals, accents, blanks and “your”.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EMAIL = _words(
    """
    email emailaddress mail mailaddress emailid adresseemail adressemail courriel adressecourriel
    correo correoelectronico direcciondecorreo emailadresse mailadresse emailadres indirizzoemail
    indirizzodiposta postaelettronica enderecodeemail epost epostadress epostadresse adresemail
    """
)
FIRST = _words(
    """
    first firstname firstnames namefirst fname given givenname forename preferredname vorname
    prenom primernombre primeironome primonome voornaam fornamn fornavn imie
    """
)
LAST = _words(
    """
    last lastname namelast lname family familyname surname nachname familienname nom nomdefamille
    apellido apellidos cognome sobrenome achternaam efternamn etternavn efternavn nazwisko
    """
)
WHOLE = _words(
    """
    name names fullname nameandsurname firstandlastname firstnameandlastname vollername
    vorundnachname nomcomplet nometprenom prenometnom nombre nombrecompleto nombreyapellidos nome
    nomecompleto nomeecognome naam volledigenaam namn navn imieinazwisko
    """
)
PAGES = (
    *("pageurl", "sourceurl", "embedurl", "currenturl", "posturl", "formurl", "pagelink", "url"),
    *("page", "wphttpreferer", "httpreferer", "referer", "refererurl", "referrer", "referrerurl"),
)
CLIENTS = ("remoteip", "userip", "clientip", "visitorip", "ip", "ipaddress", "remoteaddr")
AGENTS = ("useragent", "httpuseragent")
ZONES = ("timezone", "browsertimezone", "tz")

#: Words of which a label has one if its field is a box that agrees to something.
BOX = _words(
    """
    consent consents newsletter newsletters gdpr acceptance accept agree agreement opt optin
    subscribe subscription terms privacy marketing permission einwilligung zustimmung datenschutz
    rgpd consentement consentimiento consenso privacidad toestemming samtycke
    """
)

#: Words of which a label has one if its field tells what a box says, and not that it is ticked.
WORDING = frozenset({"text", "wording", "description", "statement", "caption"})

#: Words before and after what a label says.
BEFORE = _words(
    """
    no label your my best the a an enter please what whats is s type votre ton ihre ihr deine dein
    tu su il tuo la le uw je din seu sua meu melhor
    """
)
AFTER = _words(
    """
    here required optional pflichtfeld erforderlich obligatoire requis obligatorio
    """
)
