// Dark or light, before anything is drawn: as the system says, or as was chosen with the button. Owns the choice.
(() => {
  const KEY = 'btr-theme';
  const CHOICES = ['auto', 'light', 'dark'];

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  function apply(choice) {
    if (choice === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  }

  let choice = CHOICES.find((one) => one === stored()) ?? 'auto';
  apply(choice);
  addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    const name = () => {
      button.textContent = `Colours: ${choice}`;
      button.setAttribute('aria-label', `Colours: ${choice}. Change`);
    };
    name();
    button.addEventListener('click', () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      try {
        localStorage.setItem(KEY, choice);
      } catch {
        // Then it is for this page only.
      }
      apply(choice);
      name();
    });
  });
})();
