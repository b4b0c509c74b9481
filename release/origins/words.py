"""Words that are no names of persons: the material of `release.origins.nonnames`, written for it."""


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text, each once, split at semicolons if there are any, otherwise at white space."""
    return tuple(dict.fromkeys(" ".join(word.split()) for word in (text.split(";") if ";" in text else text.split())))


COMPANY_WORDS = _words(
    """Global Northern United Pacific Atlantic Digital Advanced Premier Express Solutions Systems Logistics Consulting
    Holdings Partners Technologies Energy Capital Industries Services Motors Foods Chemicals Textiles Shipping Insurance
    Software Networks Media Pharma Biotech Electronics Steel Mining Petroleum Airlines Bank Trading Construction
    Engineering Packaging Furniture Brewery Bakery Catering Security Cleaning Plumbing Printing Publishing Marketing
    Recruitment Telecom Wireless Broadband Analytics Robotics Aerospace Automotive Optics Ceramics Plastics Paper Timber
    Fisheries Farms Vineyards Hotels Resorts Travel Leasing Realty Properties Ventures Investments Securities Equity
    Research Laboratories Diagnostics Medical Dental Optical Veterinary Fitness Sports Apparel Footwear Jewellery
    Cosmetics Toys Games Studios Pictures Records Radio Broadcasting Elektronik Maschinenbau Spedition Versicherung
    Transportes Construcciones Servicios Alimentos Industrie Costruzioni Informatique Bâtiment Matériaux Assurances"""
)
COMPANY_FORMS = _words(
    """Ltd; Ltd.; Limited; Inc; Inc.; Corp; Corporation; LLC; LLP; PLC; GmbH; AG; GmbH & Co. KG; S.A.; SA; SARL; S.p.A.;
    S.r.l.; B.V.; N.V.; AB; AS; A/S; Oy; Oyj; Kft.; Sp. z o.o.; s.r.o.; d.o.o.; OOO; Pty Ltd; Pvt. Ltd.; Sdn Bhd; K.K.;
    Co., Ltd.; Group; & Sons; & Co; Foundation; Association; Company; International; Holding; e.V.; Ltda"""
)
CITIES = _words(
    """London; Paris; Berlin; Madrid; Rome; Vienna; Prague; Warsaw; Budapest; Athens; Lisbon; Dublin; Brussels; Amsterdam;
    Copenhagen; Stockholm; Oslo; Helsinki; Reykjavik; Moscow; Kyiv; Minsk; Istanbul; Ankara; Cairo; Casablanca; Tunis;
    Algiers; Lagos; Accra; Nairobi; Kampala; Dakar; Kinshasa; Johannesburg; Cape Town; Addis Ababa; Dubai; Doha; Riyadh;
    Baghdad; Tehran; Kabul; Karachi; Lahore; Delhi; Mumbai; Chennai; Kolkata; Dhaka; Colombo; Kathmandu; Bangkok; Hanoi;
    Jakarta; Manila; Singapore; Kuala Lumpur; Hong Kong; Shanghai; Beijing; Shenzhen; Taipei; Seoul; Busan; Tokyo; Osaka;
    Kyoto; Sydney; Melbourne; Auckland; New York; Los Angeles; Chicago; Toronto; Vancouver; Montreal; Mexico City;
    Guadalajara; Bogotá; Buenos Aires; Montevideo; São Paulo; Rio de Janeiro; Brasília; Caracas; Quito;
    Port-au-Prince; Munich; Hamburg; Cologne; Frankfurt; Leipzig; Zürich; Geneva; Lyon; Marseille;
    Bordeaux; Naples; Turin; Barcelona; Seville; Kraków; Gdańsk; Brno; Bratislava; Ljubljana;
    Zagreb; Belgrade; Sarajevo; Skopje; Tirana; Bucharest; Chisinau; Odesa; Tbilisi; Yerevan; Baku; Tashkent;
    Almaty; Ulaanbaatar; Vladivostok; Novosibirsk; Saint Petersburg; Tallinn; Riga; Vilnius; Glasgow; Edinburgh; Cardiff;
    Belfast; Manchester; Liverpool; Birmingham"""
)
WORDS = _words(
    """table window bottle river mountain yellow quickly running beautiful computer keyboard invoice payment customer order
    delivery address telephone number monday tuesday january february summer winter apple orange banana potato bread butter
    water coffee sugar kitchen garden flower animal elephant giraffe penguin bicycle train airport ticket holiday weather
    sunshine thunder cloud music guitar trumpet picture museum library school teacher student lesson homework science
    physics chemistry biology history geography language grammar sentence paragraph chapter question answer problem
    solution reason result example total amount balance account interest budget profit market price product quality
    quantity weight height length distance speed velocity energy pressure temperature machine engine hammer needle thread
    button pocket jacket trousers blanket pillow mirror carpet ceiling staircase basement chimney bridge highway village
    forest island desert valley ocean harbour vessel anchor compass journey adventure danger courage freedom justice
    peace silence shadow darkness morning evening yesterday tomorrow forever never always sometimes perhaps because
    although however therefore meanwhile between against without through under above happy angry tired hungry clever
    stupid gentle rough smooth broken empty heavy bright narrow modern ancient possible necessary important different
    similar general special public private national international environment development management organisation
    communication information education government parliament election committee department hospital patient medicine
    haus straße fenster wasser bahnhof rechnung schule maison fenêtre voiture école travail bonjour merci casa ventana
    coche escuela trabajo gracias cuenta finestra macchina scuola lavoro grazie"""
)
MISSING = _words(
    """null; none; nil; NaN; N/A; NA; n.a.; #N/A; unknown; Unknown Author; anonymous; anon; not available; not applicable;
    not given; no name; no author; missing; undefined; unnamed; TBD; TBA; to be announced; to be confirmed; test; test test;
    testing; tester; admin; administrator; root; user; guest; customer; dummy; sample; example; default; placeholder;
    name; first name; last name; full name; surname; author; authors; et al.; et al; and others; various; various authors;
    staff; staff writer; editor; editorial board; the editors; redaction; deleted; deleted user; removed; withheld; private;
    confidential; redacted; blank; empty; other; others; see above; ditto; same; void; error; #REF!; #VALUE!; -; --; ---; ?;
    ???; xxx; X; .; ..; 0; 00000; 12345; unbekannt; keine Angabe; ohne Namen; inconnu; anonyme; sans nom; desconocido; anónimo;
    sin nombre; sconosciuto; anonimo; desconhecido; onbekend; okänd; ukjent; neznámý; nieznany; неизвестно; нет данных; 不明; 无名"""
)
STREETS = _words(
    """High Street; Station Road; Church Lane; Park Avenue; Main Street; Victoria Road; Mill Lane; Hauptstraße; Bahnhofstraße;
    Gartenweg; Rue de la Paix; Avenue de la Gare; Boulevard du Port; Calle Mayor; Avenida de la Constitución; Plaza de España;
    Via Roma; Piazza Garibaldi; Kerkstraat; Dorpsstraat; Storgatan; Kungsgatan; Ulica Długa; Fifth Avenue; Elm Street;
    Sunset Boulevard; Ring Road; Industrial Estate; Harbour View; Oak Drive"""
)
DEPARTMENTS = _words(
    """Human Resources; Accounts Payable; Customer Service; Sales Department; Help Desk; Front Office; Reception; IT Support;
    Board of Directors; Department of Physics; Faculty of Law; Ministry of Finance; Ministry of Defence; National Assembly;
    European Commission; United Nations; Red Cross; World Health Organization; Supreme Court; City Hall; Fire Brigade;
    Police Station; Central Bank; Tax Office; Post Office; Night Shift; Team Meeting; Annual General Meeting; Summer School;
    Christmas Party; Football Club; Rowing Club; Chess Association; Student Union; Parish Council; Public Library; Natural History
    Museum; Symphony Orchestra; Chamber Choir; Working Group; Steering Committee; Quality Assurance; Research and Development;
    Supply Chain; Warehouse North; Lost and Found; Emergency Room; Intensive Care Unit; Data Protection Officer; Press Office"""
)
PRODUCTS = _words(
    """LaserJet; ThinkPad; PlayStation; Windows; Photoshop; Excel; Aspirin; Paracetamol; Ibuprofen; Toothpaste; Shampoo;
    Washing Powder; Orange Juice; Dark Chocolate; Olive Oil; Basmati Rice; Running Shoes; Rain Jacket; Coffee Machine;
    Vacuum Cleaner; Electric Kettle; Mountain Bike; USB Cable; Wireless Mouse; Desk Lamp; Office Chair; Printer Paper;
    Gift Card; Battery Pack; Memory Card; Tennis Racket; Garden Hose; Screwdriver Set; Winter Tyres; Engine Oil; Wall Paint;
    Premium Plan; Monthly Subscription; Extended Warranty; Express Shipping; Hybrid SUV; Smart Watch; Noise Cancelling
    Headphones; Air Fryer; Baby Monitor"""
)
FOREIGN_SCRIPTS = (
    (0x1200, 0x135A),  # Ethiopic
    (0x13A0, 0x13EF),  # Cherokee
    (0x1780, 0x17B3),  # Khmer
    (0x0E80, 0x0EAE),  # Lao
    (0x1000, 0x1020),  # Myanmar
    (0x0F40, 0x0F69),  # Tibetan
    (0x0C85, 0x0CB9),  # Kannada
    (0x0C05, 0x0C39),  # Telugu
    (0x0D05, 0x0D39),  # Malayalam
    (0x2D30, 0x2D65),  # Tifinagh
    (0x16A0, 0x16EA),  # Runic
    (0x1820, 0x1877),  # Mongolian
)
"""First and last code points of scripts that no name of the sources is written in."""
