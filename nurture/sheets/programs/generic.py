"""Any other list: what columns mean by the words above them, in five languages.

A confirmation's network is ignored: some programs fill in the one from which a list was imported.

A date under *created* or *added* is when a row was made. A date under *opt-in*, *consent*,
*subscribed* or *sign-up* is what a program or a person calls opting in.
"""

from nurture.sheets.programs.program import ListProgram, meanings

GENERIC = ListProgram(
    "generic",
    "Spreadsheet",
    columns=meanings(
        email="email,e mail,mail,email address,e mail address,mail address,emailaddress,"
        "email addresses,your email,primary email,contact email,customer email,client email,"
        "patient email,personal email,email 1,e mail 1,subscriber email,address email,"
        "e mail adresse,email adresse,mailadresse,emailadresse,"
        "adresse e mail,adresse email,adresse mail,courriel,adresse electronique,mel,"
        "correo,correo electronico,direccion de correo,direccion de correo electronico,e mailadres,"
        "emailadres,mailadres",
        first_name="first name,firstname,first,fname,given name,givenname,forename,preferred name,"
        "preferred first name,vorname,rufname,prenom,nombre,nombre de pila,voornaam,roepnaam",
        last_name="last name,lastname,last,lname,surname,family name,familyname,nachname,"
        "familienname,zuname,nom,nom de famille,apellido,apellidos,achternaam,familienaam",
        full_name="name,full name,fullname,your name,client name,patient name,customer name,"
        "contact name,client,patient,customer,vollstandiger name,kunde,nom complet,nom et prenom,"
        "nombre completo,nombre y apellidos,naam,volledige naam",
        phone="phone,phone number,telephone,telephone number,tel,tel no,mobile,mobile number,"
        "mobile phone,cell,cell phone,phone 1,telefon,telefonnummer,handy,handynummer,mobil,"
        "mobiltelefon,portable,numero de telephone,telefono,movil,telefoon,telefoonnummer,mobiel,"
        "default address phone",
        state="status,state,email status,subscription status,subscriber status,subscriber state,"
        "email marketing consent,email permission status,email permissions status,"
        "email subscriber status,email marketing status,marketing status,list status,statut,estado,"
        "anmeldestatus,abostatus,inschrijfstatus",
        refuses_email="unsubscribed,opt out,opted out,optout,opted out of email,do not email,"
        "no email,no emails,do not contact,no marketing,email opt out,"
        "unsubscribed from all email,unsubscribed from all emails,email opted out,"
        "global unsubscribe,bounced,complained,email bounced,hard bounced,suppressed,"
        "email suppressions,abgemeldet,keine e mails,keine werbung,widerspruch,desabonne,"
        "desinscrit,dado de baja,baja,uitgeschreven,afgemeld",
        wants_email="subscribed,opt in,opted in,optin,double opt in,newsletter,mailing list,"
        "consent,email consent,marketing consent,gdpr consent,gdpr,accepts marketing,"
        "accepts email marketing,accepts emails,email marketing,marketing emails,marketing,"
        "receive marketing emails,email opt in,marketing opt in,receives marketing,"
        "agreed to marketing,einwilligung,werbung erlaubt,newsletter erwunscht,abonne,"
        "consentement,suscrito,consentimiento,ingeschreven,toestemming",
        opted_in_at="opt in time,opt in date,opt in at,opt in timestamp,opted in at,opted in on,"
        "optin date,optin time,optin at,opted in date,date opted in,date of opt in,"
        "consent date,consent time,consent at,consent timestamp,consent given at,consent given on,"
        "consented at,consented on,date of consent,date consent given,gdpr consent date,"
        "email marketing consent timestamp,email consent timestamp,marketing consent date,"
        "email opt in date,email opt in time,confirmed opt in date,agreed at,agreed on,date agreed,"
        "signup date,sign up date,sign up time,signup time,signup timestamp,signed up at,"
        "signed up on,signed up,date signed up,subscribe date,subscribed at,subscribed on,"
        "subscription date,subscription time,date subscribed,subscribe time,"
        "einwilligung am,einwilligungsdatum,datum der einwilligung,anmeldedatum,angemeldet am,"
        "eingetragen am,optin datum,date de consentement,date d inscription,date inscription,"
        "inscrit le,date d abonnement,fecha de consentimiento,fecha de suscripcion,fecha de alta,"
        "fecha de inscripcion,datum toestemming,inschrijfdatum,aangemeld op,ingeschreven op",
        opted_in_ip="opt in ip,opt in ip address,optin ip,optin ip address,consent ip,"
        "consent ip address,ip consent,signup ip,sign up ip,signup ip address,sign up ip address,"
        "subscription ip,subscribe ip,subscribed ip,subscribed from ip,ip of consent,"
        "einwilligung ip,anmelde ip,ip anmeldung,ip d inscription,ip inscription,ip consentement,"
        "ip de suscripcion,ip de alta,inschrijf ip",
        confirmed_at="confirmed at,confirmed on,confirmation time,confirmation date,confirm time,"
        "confirm date,date confirmed,double opt in date,double opt in time,bestatigt am,"
        "bestatigungsdatum,date de confirmation,confirme le,fecha de confirmacion,bevestigd op",
        ignored="confirmation ip,confirm ip,confirmed ip,confirmation ip address,"
        "bestatigung ip,ip confirmation",
        joined_at="created,created at,created on,date created,create date,creation date,"
        "created date,date added,added,added at,added on,added time,date joined,joined,joined at,"
        "joined on,join date,registered,registered at,registration date,date registered,"
        "profile created on,first seen,date,datum,erstellt,erstellt am,hinzugefugt am,"
        "date d ajout,date de creation,ajoute le,cree le,fecha,fecha de creacion,"
        "anadido el,toegevoegd op,aangemaakt op",
        wording="wording,consent wording,consent text,consent statement,consent language,"
        "opt in text,opt in wording,opt in message,agreed to,agreed wording,tick box text,"
        "checkbox text,einwilligungstext,wortlaut,texte de consentement,texto de consentimiento,"
        "toestemmingstekst",
        page_url="page,page url,url,signup page,sign up page,signup url,sign up url,consent url,"
        "opt in url,opt in page,optin url,form url,landing page,source url,consent page,seite,"
        "anmeldeseite,page d inscription,pagina,pagina de suscripcion",
        form="form,form name,signup form,sign up form,opt in form,consent form,optin form,"
        "formular,anmeldeformular,formulaire,formulario,formulier",
        left_at="unsubscribed at,unsubscribed on,unsubscribe date,unsubscribe time,"
        "unsubscription date,date unsubscribed,opt out date,opted out at,opted out on,opt out time,"
        "opted out date,email opt out date,confirmed opt out date,unsub time,unsub date,"
        "date of opt out,abgemeldet am,abmeldedatum,date de desinscription,desinscrit le,"
        "fecha de baja,uitgeschreven op,afgemeld op",
        bounced_at="bounced at,bounced on,bounce date,bounce time,cleaned at,clean time,"
        "date bounced,hard bounced at",
        time_zone="timezone,time zone,zeitzone,fuseau horaire,zona horaria,tijdzone",
        bought="bought,product,products,product name,products purchased,purchased,purchase,"
        "item,items,service,appointment type,last appointment type,treatment,membership,package,"
        "lineitem name,gekauft,produkt,leistung,behandlung,produit,prestation,achat,producto,"
        "servicio,compra,behandeling",
        bought_at="bought at,bought on,purchase date,purchased at,purchased on,date of purchase,"
        "order date,last order date,last order,last purchase,last purchase date,paid at,"
        "last appointment,last appointment date,last visit,last visit date,appointment date,"
        "first appointment,date of sale,sale date,gekauft am,kaufdatum,bestelldatum,"
        "letzter termin,letzter besuch,date d achat,date de commande,dernier rendez vous,"
        "fecha de compra,ultima cita,aankoopdatum,laatste afspraak",
        way_out_offered="way out offered,opt out offered,unsubscribe offered,"
        "offered opt out,soft opt in,opt out box offered,opt out box shown,widerspruch angeboten",
        list_name="list,lists,list name,email lists,email list,audience,segment,group,groups,liste,"
        "lista,lijst,groep,gruppe,groupe",
        tags="tags,tag,labels,label,categories,category,schlagworter,etiquettes,etiquetas",
    ),
)
