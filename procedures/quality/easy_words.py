"""Long words and abbreviations that every reader knows, chosen one by one. No clinical word is among them."""

EASY = {
    "en": frozenset(
        """
        activity afterward alphabet am ambulance another asap anything area capital carry company condition
        computer decision description different direct disagree easier easily elevator emergency er everyone
        everything exact example
        exercise family hospital illness important information injury insurance interpreter location medicine national
        nobody ok omega operation pm previous recover serious similar simulated society together tomorrow tv uncommon
        understand uneven unsteady usual whenever yesterday
        """.split()
    ),
    "es": frozenset(
        """
        aconsejaron am pm tv actividad actividades alfabético calificado computadora directamente electrónico elegirían
        embarazada emergencia estacionamiento examinamos examinarle levántese necesario necesitamos necesitaron
        participaron preguntarnos recuperarse significado
        """.split()
    ),
}
