"""Long words that every reader knows: chosen by us, one by one, from our own texts. No clinical word is among them."""

EASY = {
    "en": frozenset(
        """
        activity afterward alphabet ambulance another anything area capital carry company condition computer decision
        description different direct disagree easier easily elevator emergency everyone everything exact example
        exercise family hospital illness important information injury insurance interpreter location medicine national
        nobody operation previous recover serious similar simulated society together tomorrow uncommon understand uneven
        unsteady usual whenever yesterday
        """.split()
    ),
    "es": frozenset(
        """
        aconsejaron actividad actividades alfabético calificado computadora directamente electrónico elegirían
        embarazada emergencia estacionamiento examinamos examinarle levántese necesario necesitamos necesitaron
        participaron preguntarnos recuperarse significado
        """.split()
    ),
}
