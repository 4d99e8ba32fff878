/** Tasks are dragged to another place, or to another day. */

/** Puts the task with the id before or after another one. */
export type Drop = (id: string | undefined, target: string, isAfter: boolean) => void;

/** A type of its own: as text, the id could be dropped into every field. */
const TYPE = "application/x-daylist-task";

export function drag(event: DragEvent, id: string): void {
  event.dataTransfer?.setData(TYPE, id);
}

/** The id of the task that is dropped. */
function dragged(event: DragEvent): string | undefined {
  return event.dataTransfer?.getData(TYPE);
}

/** The attributes of an element that tasks are dropped before or after. */
export function droppable(target: string, onDrop: Drop) {
  const isAfter = (event: DragEvent) => {
    const { top, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return event.clientY > top + height / 2;
  };
  return {
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      mark(event, isAfter(event) ? "after" : "before");
    },
    onDragLeave: (event: DragEvent) => mark(event),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      mark(event);
      onDrop(dragged(event), target, isAfter(event));
    },
  };
}

/** The attributes of an element that tasks are dropped into. */
export function droppableInto(onDrop: (id: string | undefined) => void) {
  return {
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      mark(event, "into");
    },
    onDragLeave: (event: DragEvent) => {
      const isInside = (event.currentTarget as HTMLElement).contains(event.relatedTarget as Node | null);
      if (!isInside) mark(event);
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      mark(event);
      onDrop(dragged(event));
    },
  };
}

function mark(event: DragEvent, place?: string): void {
  const { dataset } = event.currentTarget as HTMLElement;
  if (place) dataset.drop = place;
  else delete dataset.drop;
}
